-- What a desk shows of a conversation (design §7): who waits and for how long, how much is unread; never a word of it.
-- The conv hash keeps what the last look found (field seen), so that each entry of the log is looked at once, not once per look:
--   "read mark, entries looked at, deleted messages then, unread, first unanswered message's time (0: none)"
local CHUNK = 32               -- entries read at once: 16 KB each at most
local LOOKED_AT_MOST = 2048    -- entries behind the end that a first look goes through: what is unread before is not counted

-- Sender and time of a message that still has its text, or nil.
local function spoken(entry)
  if string.byte(entry) ~= 109 then return nil end
  if string.match(entry, '\n([^\n]*)\n[^\n]*$') ~= '' then return nil end
  local at, sender = string.match(entry, '^m\n[^\n]*\n([^\n]*)\n([^\n]*)')
  return sender, at
end

-- Reply: unread, time of the student's first message that nobody answered ('0': none)
local function unread(counselor, student, seen, deleted)
  local length, mark = call('LLEN', log), tonumber(call('HGET', read, counselor) or 0)
  local of, old_mark, upto, old_deleted, count, since = string.match(seen or '', '^(%S*) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  upto = tonumber(upto or 0)
  local stands = of == counselor and old_deleted == deleted and upto <= length
  if stands and tonumber(old_mark) ~= mark then
    if mark >= upto then count = 0 else stands = false end
  end
  if stands then
    count = tonumber(count)
    for first = upto + 1, length, CHUNK do
      for i, entry in ipairs(call('LRANGE', log, first - 1, first + CHUNK - 2)) do
        local sender, at = spoken(entry)
        if sender == student then
          if first + i - 1 > mark then count = count + 1 end
          if since == '0' then since = at end
        elseif sender then
          since = '0'
        end
      end
    end
  else
    count, since = 0, '0'
    local last, answered = length, false
    while last >= 1 and length - last < LOOKED_AT_MOST and not (answered and last <= mark) do
      local first = math.max(1, last - CHUNK + 1)
      local entries = call('LRANGE', log, first - 1, last - 1)
      for i = #entries, 1, -1 do
        local sender, at = spoken(entries[i])
        if sender == student then
          if first + i - 1 > mark then count = count + 1 end
          if not answered then since = at end
        elseif sender then
          answered = true
        end
      end
      last = first - 1
    end
  end
  local now_seen = string.format('%s %d %d %s %d %s', counselor, mark, length, deleted, count, since)
  if now_seen ~= seen then call('HSET', conv, 'seen', now_seen) end
  return count, since
end
