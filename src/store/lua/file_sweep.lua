-- Forgets what was uploaded and not sent. KEYS _conversation; ARGV 1 before (ms). Reply {OK, {blobs that are needed}, how many were forgotten} | {code}:
-- the session is no more, and needs none
--- include _conversation.lua
--- include _files.lua
local expires = call('HGET', conv, 'expiresAt')
if not expires then return missing() end
if tonumber(expires) <= now then return { 'GONE' } end
local needed, forgotten = {}, 0
for _, field in ipairs(call('HKEYS', files)) do
  if string.sub(field, 1, 5) == 'file_' then
    local _, with, at = file_of(field)
    if with == '0' and tonumber(at) < tonumber(ARGV[1]) then
      drop_file(field)
      forgotten = forgotten + 1
    end
  end
end
for _, field in ipairs(call('HKEYS', files)) do
  if string.sub(field, 1, 2) == 'b:' then needed[#needed + 1] = string.sub(field, 3) end
end
return { 'OK', needed, forgotten }
