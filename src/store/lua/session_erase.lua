-- Erases a session: at once on request, or because its deadline has passed. What stays is a stub with times and counts.
-- KEYS _conversation; ARGV 1 participant ('' = the service or the deadline)  2 side  3 acts of the ticket  4 'erased' or 'expired'
-- Reply {OK} | {CONFLICT, expiresAt}: not expired yet | {code}
--- include _conversation.lua
local c = call('HMGET', conv, 'expiresAt', 'messages', 'deleted', 'student', 'counselor', ARGV[2] ~= '' and ARGV[2] or 'student', 'acts:' .. ARGV[2])
if not c[1] then return missing() end
local expires = tonumber(c[1])
local state = ARGV[4]
if state == 'expired' then
  if expires > now then return { 'CONFLICT', expires } end
elseif expires <= now then
  return { 'GONE' }
end
if ARGV[1] ~= '' then
  if c[6] ~= ARGV[1] then return { 'NOT_FOUND' } end
  if bit.band(8, bit.band(tonumber(ARGV[3]), tonumber(c[7]))) == 0 then return { 'FORBIDDEN' } end
end
announce(id .. '\nx\n' .. state .. '\n' .. now)
for _, who in ipairs({ c[4], c[5] }) do call('ZREM', push, id .. ' ' .. who) end
call('DEL', conv, log, sent, hubs, present, read, delivered, device)
call('HSET', gone, 'state', state, 'goneAt', now, 'messages', (tonumber(c[2]) or 0) - (tonumber(c[3]) or 0))
call('PEXPIRE', gone, GONE_MS)
call('ZADD', due, now, id)
note(state, ARGV[2] ~= '' and ARGV[2] or 'service', 0)
return { 'OK' }
