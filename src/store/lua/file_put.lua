-- Makes known a file whose bytes are in place. KEYS _conversation; ARGV _participant, then 6 bytes  7-9 as file_room  10 file id, also the blob's
-- 11 hash  12 key ('-' none)  13 json. Reply {OK, blob}: another than the file's when the same bytes were there already | as file_room
--- include _conversation.lua
--- include _participant.lua
--- include _files.lua
local refused = enter(1)
if refused then return refused end
if status ~= 'active' then return { 'SESSION_ENDED' } end
local fid, hash, size = ARGV[10], ARGV[11], tonumber(ARGV[6])
local blob = call('HGET', files, 'h:' .. hash)
refused = files_full(blob and 0 or size, tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]))
if refused then return refused end
if blob then
  local refs, rest = string.match(call('HGET', files, 'b:' .. blob), '^(%d+)(.*)$')
  call('HSET', files, 'b:' .. blob, (refs + 1) .. rest)
else
  blob = fid
  call('HSET', files, 'b:' .. blob, '1 ' .. hash .. ' ' .. ARGV[12], 'h:' .. hash, blob)
  call('HINCRBY', files, 'bytes', size)
end
call('HSET', files, fid, me .. '\n0\n' .. now_text .. '\n' .. blob .. '\n' .. ARGV[6] .. '\n' .. ARGV[13])
call('HINCRBY', files, 'count', 1)
call('HINCRBY', files, 'u:' .. me, 1)
keep_key(files, expires)
return { 'OK', blob }
