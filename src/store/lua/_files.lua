-- Files of a session: the hash {b}:conv:<id>:files knows all there is to know of them; their bytes lie under the name of a blob (store/vault.h).
--   <file id>    lines: owner sent at blob size json     sent: the message it went with, 0 not yet; json: as clients see it
--   b:<blob>     refs hash key       how many files are these bytes, their hash, the key they are sealed with ('-': none)
--   h:<hash>     blob
--   bytes, count, u:<owner>          sums: of blobs, of files, of what each has uploaded and not sent
local files = conv .. ':files'

-- owner, sent, at, blob, size, json; nil when there is none.
local function file_of(fid)
  return string.match(call('HGET', files, fid) or '', '^([^\n]*)\n(%d+)\n(%d+)\n([^\n]*)\n(%d+)\n(.*)$')
end

-- Forgets a file. Returns the blob if nobody needs it any more.
local function drop_file(fid)
  local owner, with, at, blob, size = file_of(fid)
  if not owner then return nil end
  call('HDEL', files, fid)
  call('HINCRBY', files, 'count', -1)
  if with == '0' then call('HINCRBY', files, 'u:' .. owner, -1) end
  local refs, hash, key = string.match(call('HGET', files, 'b:' .. blob) or '', '^(%d+) (%x+) (.*)$')
  if not refs then return nil end
  if tonumber(refs) > 1 then
    call('HSET', files, 'b:' .. blob, (refs - 1) .. ' ' .. hash .. ' ' .. key)
    return nil
  end
  call('HDEL', files, 'b:' .. blob, 'h:' .. hash)
  call('HINCRBY', files, 'bytes', -size)
  return blob
end

-- A message's metadata field: with files "<bytes of the list><list><metadata>", else metadata alone. Returns the list ('' none) with its length in front.
local function files_in(metadata)
  local n = string.match(metadata, '^(%d+)%[')
  return n and string.sub(metadata, 1, #n + n) or ''
end

-- Is there room for one more? bytes: its size.
local function files_full(bytes, most_bytes, most_files, most_unsent)
  local sums = call('HMGET', files, 'bytes', 'count', 'u:' .. me)
  if (tonumber(sums[3]) or 0) >= most_unsent then return { 'CONFLICT' } end
  if (tonumber(sums[1]) or 0) + bytes > most_bytes or (tonumber(sums[2]) or 0) >= most_files then return { 'TOO_LARGE' } end
end
