-- Erasing a conversation: whoever calls this has judged that it may be. What stays is a stub with times and counts, and the bookkeeping's work (due).
-- state 'erased' or 'expired'; by: for the audit.
local function erase(state, by)
  local c = call('HMGET', conv, 'expiresAt', 'messages', 'deleted', 'student', 'counselor', 'endedAt')
  call('DEL', log)   -- first, so that a Redis that is full lets the rest be written
  take_off_desk(c[5])
  announce(id .. '\nx\n' .. state .. '\n' .. now_text)
  for _, who in ipairs({ c[4], c[5] }) do call('ZREM', push, id .. ' ' .. who) end
  call('DEL', conv, sent, hubs, present, read, delivered, device, conv .. ':files')
  if state == 'erased' then   -- else a requested summary is still written, from its sealed copy (design §9)
    call('ZREM', tag .. 'summary', id)
    call('DEL', tag .. 'summary:' .. id, tag .. 'summary:' .. id .. ':copy')
  end
  call('HSET', gone, 'state', state, 'goneAt', now_text, 'messages', (tonumber(c[2]) or 0) - (tonumber(c[3]) or 0), 'expiresAt', c[1], 'endedAt', c[6] or 0)
  call('PEXPIRE', gone, GONE_MS)
  call('ZADD', due, now_text, id)
  note(state, by, 0)
end
