-- May the ticket's holder be here at all? KEYS _conversation; ARGV _participant. Reply {OK, expiresAt} | {code}
-- Not a visit: neither entrance nor sign of life.
--- include _conversation.lua
local c = call('HMGET', conv, 'expiresAt', ARGV[2])
if not c[1] then return missing() end
if tonumber(c[1]) <= now then return { 'GONE' } end
if c[2] ~= ARGV[1] then return { 'NOT_FOUND' } end
return { 'OK', tonumber(c[1]) }
