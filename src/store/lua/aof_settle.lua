-- A rewrite of the append-only file is over. KEYS 1 {b}:aof:dirty  2 {b}:aof:under; ARGV 1 what was under way, "<run id of Redis> <count>"  2 '1': it was a good one
-- Reply {OK}
local call = redis.call
if call('GET', KEYS[2]) ~= ARGV[1] then return { 'OK' } end   -- somebody else has seen to it
call('DEL', KEYS[2])
if ARGV[2] == '1' and call('GET', KEYS[1]) == string.match(ARGV[1], '%d+$') then call('DEL', KEYS[1]) end
return { 'OK' }
