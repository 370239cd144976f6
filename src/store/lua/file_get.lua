-- What there is to know for handing a file out. KEYS _conversation; ARGV _participant, then 6 file id. Reply {OK, blob, key ('-' none), json} | {code}
-- Not a visit: pictures are fetched by the dozen. What is not sent yet exists for its owner only.
--- include _conversation.lua
--- include _files.lua
local c = call('HMGET', conv, 'expiresAt', ARGV[2], 'acts:' .. ARGV[2])
if not c[1] then return missing() end
if tonumber(c[1]) <= now then return { 'GONE' } end
if c[2] ~= ARGV[1] then return { 'NOT_FOUND' } end
if bit.band(2, bit.band(tonumber(ARGV[4]), tonumber(c[3]))) == 0 then return { 'FORBIDDEN' } end
local owner, with, _, blob, _, json = file_of(ARGV[6])
if not owner or (with == '0' and owner ~= ARGV[1]) then return { 'NOT_FOUND' } end
local key = string.match(call('HGET', files, 'b:' .. blob) or '', '^%d+ %x+ (.*)$')
return { 'OK', blob, key or '-', json }
