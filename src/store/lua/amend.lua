-- Rewrites one's own message in place and appends the marker: an edit, or a deletion that keeps no text (design §3).
-- KEYS _conversation; ARGV _participant, then
--   6 'edit' or 'delete'  7 position  8 content  9 metadata ('' stays)  10 edits a message may see  11 entries a log may hold  12-15 as send's 11-14
-- Reply {OK, position, entry, expiresAt, {blobs of files that nobody needs any more}} | {code} | {RATE_LIMITED, ms}
--- include _conversation.lua
--- include _participant.lua
--- include _files.lua
local refused = enter(1)
if refused then return refused end
local deleting, position = ARGV[6] == 'delete', tonumber(ARGV[7])
local length = call('LLEN', log)
local entry = position >= 1 and position <= length and call('LINDEX', log, position - 1)
if not entry or string.sub(entry, 1, 1) ~= 'm' then return { 'NOT_FOUND' } end

local f, at = {}, 1
for field in string.gmatch(entry .. '\n', '([^\n]*)\n') do f[at] = field; at = at + 1 end
if f[4] ~= me then return { 'FORBIDDEN' } end
if f[10] ~= '' then
  if deleting then return { 'OK', position, entry, expires } end
  return { 'NOT_FOUND' }
end
if status ~= 'active' then return { 'SESSION_ENDED' } end
if not deleting and tonumber(f[11]) >= tonumber(ARGV[10]) then return { 'CONFLICT' } end
-- A deletion must stay possible in a full log: it is what makes content go.
if not deleting and length >= tonumber(ARGV[11]) then return { 'LOG_FULL' } end
local wait, rate = throttle(tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15]))
if wait and not deleting then return { 'RATE_LIMITED', wait } end

local attached, blobs = files_in(f[8]), {}
if deleting then
  for fid in string.gmatch(attached, '"id":"(file_%w+)"') do blobs[#blobs + 1] = drop_file(fid) end
  f[7], f[8], f[9], f[10] = '', '', '', now_text
  call('HINCRBY', conv, 'deleted', 1)
else
  f[7], f[9], f[11] = ARGV[8], now_text, f[11] + 1
  if ARGV[9] ~= '' then f[8] = attached .. ARGV[9] end
end
entry = table.concat(f, '\n')
call('LSET', log, position - 1, entry)
local expires_text = slide('rate:' .. me, rate or c[RATE], 'amended', string.format('%d', length + 1))
call('DEL', tag .. 'summary:' .. id .. ':copy')   -- it knows what is gone; another is made
stands_in_file()
local marker = (deleting and 'd' or 'e') .. '\n' .. check .. '\n' .. now_text .. '\n' .. position
local marker_at = call('RPUSH', log, marker)
announce(id .. '\nn\n' .. marker_at .. '\n' .. expires_text .. '\n' .. marker .. '\n' .. entry)
note(deleting and 'deleted' or 'edited', side, position)
return { 'OK', position, entry, expires, blobs }
