-- Keeps a single-use stream ticket; the store knows only its hash.
-- KEYS _conversation; ARGV 1 participant  2 side  3 the opaque ticket  4 what it stands for  5 ms. Reply {OK} | {code}
--- include _conversation.lua
local c = call('HMGET', conv, 'expiresAt', ARGV[2])
if not c[1] then return missing() end
if tonumber(c[1]) <= now then return { 'GONE' } end
if c[2] ~= ARGV[1] then return { 'NOT_FOUND' } end
call('SET', conv .. ':ticket:' .. redis.sha1hex(ARGV[3]), ARGV[4], 'PX', ARGV[5])
return { 'OK' }
