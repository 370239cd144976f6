-- Appends a message, or gives the first answer again (design §4).
-- KEYS _conversation; ARGV _participant, then
--   6 client id ('' none)  7 refs  8 content (JSON string)  9 metadata (JSON or '')  10 replyTo (0 none)
--   11 messages  12 per ms  13 burst  14 per ms  15 entries a log may hold  16 ids of files, a blank between ('' none)
-- Reply {OK, position, check, sentAt, expiresAt, repeated, metadata with files (only if there are)} | {code} | {RATE_LIMITED, ms}
--- include _conversation.lua
--- include _participant.lua
--- include _files.lua
local refused = enter(1)
if refused then return refused end

local client, refs, content, metadata, reply_to = ARGV[6], ARGV[7], ARGV[8], ARGV[9], tonumber(ARGV[10])
local file_ids = ARGV[16]
local seen_as, print
if client ~= '' then
  -- Salted, so that what is left of a deleted message can't be guessed at from outside the session.
  seen_as = me .. ':' .. client
  print = string.sub(redis.sha1hex(c[SALT] .. refs .. '\n' .. content .. '\n' .. metadata .. file_ids), 1, 16)
  local first = call('HGET', sent, seen_as)
  if first then
    local position, first_print, sent_at = string.match(first, '^(%d+) (%x+) (%d+)$')
    if first_print ~= print then return { 'CLIENT_ID_REUSED' } end
    local entry = call('LINDEX', log, position - 1)
    local was = file_ids ~= '' and string.match(entry, '^' .. string.rep('[^\n]*\n', 7) .. '([^\n]*)') or ''
    return { 'OK', tonumber(position), string.sub(entry, 3, 14), tonumber(sent_at), expires, 1, was }
  end
end
if status ~= 'active' then return { 'SESSION_ENDED' } end
local wait, rate = throttle(tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14]))
if wait then return { 'RATE_LIMITED', wait } end
if reply_to > 0 then
  local target = call('LINDEX', log, reply_to - 1)
  if not target or string.sub(target, 1, 1) ~= 'm' then return { 'BAD_REQUEST' } end
end
if file_ids ~= '' then   -- one's own, not sent before
  local list = {}
  for fid in string.gmatch(file_ids, '%S+') do
    local owner, with, _, _, _, json = file_of(fid)
    if owner ~= me or with ~= '0' then return { 'BAD_REQUEST' } end
    list[#list + 1] = json
  end
  list = '[' .. table.concat(list, ',') .. ']'
  metadata = #list .. list .. metadata
end

local entry = 'm\n' .. check .. '\n' .. now_text .. '\n' .. me .. '\n' .. role .. '\n' .. refs .. '\n' .. content .. '\n' .. metadata .. '\n\n\n0'
local position = call('RPUSH', log, entry)
if position > tonumber(ARGV[15]) then
  call('RPOP', log)
  return { 'LOG_FULL' }
end
local place, expires_text = string.format('%d', position), nil
local unkept = seen_as and string.sub(rate, -1) ~= 'k'
if unkept then rate = rate .. ' k' end
if c[MESSAGES] ~= '0' then
  expires_text = slide('lastMessage', place, 'messages', string.format('%d', c[MESSAGES] + 1), 'rate:' .. me, rate)
else
  expires_text = slide('lastMessage', place, 'messages', '1', 'rate:' .. me, rate, 'firstMessage', place)
  keep_key(log, expires)
end
if file_ids ~= '' then
  for fid in string.gmatch(file_ids, '%S+') do
    call('HSET', files, fid, (string.gsub(call('HGET', files, fid), '\n0\n', '\n' .. place .. '\n', 1)))
    call('HINCRBY', files, 'u:' .. me, -1)
  end
end
if seen_as then
  call('HSET', sent, seen_as, place .. ' ' .. print .. ' ' .. now_text)
  if unkept then keep_key(sent, expires) end
end
announce(id .. '\nn\n' .. place .. '\n' .. expires_text .. '\n' .. entry)

-- Whoever else belongs here gets a push, judged when due: now when nobody is there, in 10 s otherwise (design §9). One outstanding each, and
-- none more for who was pushed and did not come.
local other = c[OTHER]
if other and other ~= '' and other_told ~= 'p' then
  call('ZADD', push, 'NX', other_told == '1' and string.format('%d', now + 10000) or now_text, id .. ' ' .. other)
elseif other == '' and call('HSETNX', conv, 'nobody', '1') == 1 then   -- nobody is assigned: MainServer is told, once
  tell('waiting', other_side, expires)
end
note('message', side, place)
return { 'OK', position, check, now, expires, 0, metadata }
