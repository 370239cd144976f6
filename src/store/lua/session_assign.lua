-- Gives the session a counselor, or another one (handover); the one before has no place any more. The same again changes nothing. Whoever gets it is
-- told of what waits there, as of a message that comes just now (push_claim.lua judges).
-- KEYS _conversation; ARGV 1 counselor  2 role  3 twenty-four random hex digits. Reply _session | {SESSION_ENDED} | {code}
--- include _conversation.lua
--- include _presence.lua
--- include _session.lua
local refused, expires, status = alive()
if refused then return refused end
local c = call('HMGET', conv, 'counselor', 'role', 'student', 'in:counselor')
if c[1] == ARGV[1] and c[2] == ARGV[2] then return session_answer(0) end
if status ~= 'active' then return { 'SESSION_ENDED' } end
if c[3] == ARGV[1] then return { 'CONFLICT' } end
watched = false   -- both desks are told below
if c[1] ~= ARGV[1] then
  take_off_desk(c[1])
  call('HSET', conv, 'assignedAt', now, 'handedOver', c[1] ~= '' and 1 or 0)
  put_on_desk(ARGV[1], expires)
  if c[1] ~= '' then
    if c[4] then
      append_event(string.sub(ARGV[3], 13, 24), 'user:left', '{"participant":"' .. c[1] .. '","role":"' .. c[4] .. '","at":' .. now .. '}', expires)
    end
    call('HDEL', device, c[1])
    call('ZREM', push, id .. ' ' .. c[1])
  end
  call('HDEL', conv, 'in:counselor', 'nobody')
  call('ZADD', push, 'NX', now_text, id .. ' ' .. ARGV[1])
end
call('HSET', conv, 'counselor', ARGV[1], 'role', ARGV[2])
show_on_desk(ARGV[1])
append_event(string.sub(ARGV[3], 1, 12), 'session:assigned', '{"participant":"' .. ARGV[1] .. '","role":"' .. ARGV[2] .. '","at":' .. now .. '}', expires)
if c[1] ~= '' and c[1] ~= ARGV[1] then
  announce(id .. '\nk\n' .. c[1])
  for _, field in ipairs(call('HKEYS', present)) do
    if string.match(field, '^%a:([^:]+)') == c[1] then call('HDEL', present, field) end
  end
end
note('assigned', 'service', 0)
return session_answer(0)
