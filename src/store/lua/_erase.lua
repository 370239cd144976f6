-- A requested summary is not to be written: neither request nor sealed copy stays.
local function drop_summary()
  call('ZREM', tag .. 'summary', id)
  call('DEL', tag .. 'summary:' .. id, tag .. 'summary:' .. id .. ':copy')
end

-- Erasing a conversation: whoever calls this has judged that it may be. What stays is a stub with times and counts, and the bookkeeping's work (due).
-- state 'erased' or 'expired'; by: for the audit; request: the id of the HTTP request, for MainServer (nil: none).
local function erase(state, by, request)
  local c = call('HMGET', conv, 'expiresAt', 'messages', 'deleted', 'student', 'counselor', 'endedAt')
  call('DEL', log)   -- first, so that a Redis that is full lets the rest be written
  take_off_desk(c[5])
  announce(id .. '\nx\n' .. state .. '\n' .. now_text)
  for _, who in ipairs({ c[4], c[5] }) do call('ZREM', push, id .. ' ' .. who) end
  call('DEL', conv, sent, hubs, present, read, delivered, device, conv .. ':files')
  if state == 'erased' then drop_summary() end   -- else it is still written, from its sealed copy (design §9)
  call('HSET', gone, 'state', state, 'goneAt', now_text, 'messages', (tonumber(c[2]) or 0) - (tonumber(c[3]) or 0), 'expiresAt', c[1], 'endedAt', c[6] or 0, 'request', request or '')
  call('PEXPIRE', gone, GONE_MS)
  call('ZADD', due, now_text, id)
  note(state, by, 0)
end

-- Erasing what a session left behind that expired: its stub says so, and the bookkeeping comes once more. False: it is no such stub.
local function erase_late()
  local g = call('HMGET', gone, 'state', 'goneAt')
  if g[1] ~= 'expired' and g[1] ~= 'open' then return false end   -- open: the keys went by their TTL
  drop_summary()
  -- Another time than before: a bookkeeping of the deadline that is under way must not take it for done (due_done.lua).
  call('HSET', gone, 'state', 'erased', 'goneAt', string.format('%d', math.max(now, (tonumber(g[2]) or 0) + 1)))
  call('PEXPIRE', gone, GONE_MS)
  call('ZADD', due, now_text, id)
  note('erased', 'service', 0)
  return true
end
