-- One page of messages, ascending.
-- KEYS _conversation; ARGV _participant, then 6 'after', 'before' or 'newest'  7 position  8 check  9 limit  10 bytes at most
-- Reply {OK, length, check of the end, first message's position, last message's position, position, entry, position, entry …}
--        first and last of the whole log (0: none) | {BAD_REQUEST} for a cursor of another log | {code}
--- include _conversation.lua
--- include _participant.lua
local refused = enter(2)
if refused then return refused end
local mode, from, limit, room = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[9]), tonumber(ARGV[10])
local length = call('LLEN', log)
if mode ~= 'newest' and (from > length or not cursor_holds(from, ARGV[8])) then return { 'BAD_REQUEST' } end

local found, n = {}, 0
local function take(position, entry)
  if string.byte(entry) ~= 109 then return true end
  if n > 0 and room < #entry then return false end
  room, n = room - #entry, n + 1
  found[n] = { position, entry }
  return n < limit
end
local STEP, going = 64, true
if mode == 'after' then
  for start = from + 1, length, STEP do
    for i, entry in ipairs(call('LRANGE', log, start - 1, start + STEP - 2)) do
      going = take(start + i - 1, entry)
      if not going then break end
    end
    if not going then break end
  end
else
  local last = mode == 'before' and from - 1 or length
  while going and last >= 1 do
    local start = math.max(1, last - STEP + 1)
    local entries = call('LRANGE', log, start - 1, last - 1)
    for i = #entries, 1, -1 do
      going = take(start + i - 1, entries[i])
      if not going then break end
    end
    last = start - 1
  end
end
local c = call('HMGET', conv, 'firstMessage', 'lastMessage')
local reply = { 'OK', length, end_check(length), tonumber(c[1] or 0), tonumber(c[2] or 0) }
local first, stop, step = 1, n, 1
if mode ~= 'after' then first, stop, step = n, 1, -1 end
for i = first, stop, step do
  reply[#reply + 1] = found[i][1]
  reply[#reply + 1] = found[i][2]
end
return reply
