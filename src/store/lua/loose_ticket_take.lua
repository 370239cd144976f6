-- Redeems a desk's or a user's single-use stream ticket. KEYS 1 {b}:desk or {b}:user; ARGV 1 the opaque ticket. Reply {OK, what it stands for} | {UNAUTHENTICATED}
local value = redis.call('GETDEL', KEYS[1] .. ':ticket:' .. redis.sha1hex(ARGV[1]))
if not value then return { 'UNAUTHENTICATED' } end
return { 'OK', value }
