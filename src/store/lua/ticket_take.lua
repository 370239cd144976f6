-- Redeems a single-use stream ticket. KEYS _conversation; ARGV 1 the opaque ticket. Reply {OK, what it stands for} | {UNAUTHENTICATED}
--- include _conversation.lua
local value = call('GETDEL', conv .. ':ticket:' .. redis.sha1hex(ARGV[1]))
if not value then return { 'UNAUTHENTICATED' } end
return { 'OK', value }
