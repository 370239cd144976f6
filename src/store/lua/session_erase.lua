-- Erases a session: at once on request, or because its deadline has passed. What stays is a stub with times and counts. On request also after the
-- deadline, for what outlives it (a summary, or its request): by the service as long as there is a stub, by a participant until the bookkeeping came.
-- KEYS _conversation; ARGV 1 participant ('' = the service or the deadline)  2 side  3 acts of the ticket  4 'erased' or 'expired'
--   5 the id of the HTTP request ('' none)
-- Reply {OK} | {CONFLICT, expiresAt}: not expired yet | {code}
--- include _conversation.lua
--- include _erase.lua
local state = ARGV[4]
local c = call('HMGET', conv, 'expiresAt', ARGV[2] ~= '' and ARGV[2] or 'student', 'acts:' .. ARGV[2])
if not c[1] then
  if state == 'expired' or ARGV[1] ~= '' or not erase_late() then return missing() end
  return { 'OK' }
end
local expires = tonumber(c[1])
if state == 'expired' and expires > now then return { 'CONFLICT', expires } end
if ARGV[1] ~= '' then
  if c[2] ~= ARGV[1] then return { expires > now and 'NOT_FOUND' or 'GONE' } end
  if bit.band(8, bit.band(tonumber(ARGV[3]), tonumber(c[3]))) == 0 then return { expires > now and 'FORBIDDEN' or 'GONE' } end
end
erase(state, ARGV[2] ~= '' and ARGV[2] or 'service', ARGV[5])
return { 'OK' }
