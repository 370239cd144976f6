-- Keeps a single-use stream ticket; the store knows only its hash.
-- KEYS _conversation; ARGV 1 the opaque ticket  2 what it stands for  3 ms  4 participant  5 side. Reply {OK} | {code}
--- include _conversation.lua
local c = call('HMGET', conv, 'expiresAt', ARGV[5])
if not c[1] then return missing() end
if tonumber(c[1]) <= now then return { 'GONE' } end
if c[2] ~= ARGV[4] then return { 'NOT_FOUND' } end
call('SET', conv .. ':ticket:' .. redis.sha1hex(ARGV[1]), ARGV[2], 'PX', ARGV[3])
return { 'OK' }
