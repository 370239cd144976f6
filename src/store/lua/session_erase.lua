-- Erases a session: at once on request, or because its deadline has passed. What stays is a stub with times and counts.
-- KEYS _conversation; ARGV 1 participant ('' = the service or the deadline)  2 side  3 acts of the ticket  4 'erased' or 'expired'
-- Reply {OK} | {CONFLICT, expiresAt}: not expired yet | {code}
--- include _conversation.lua
--- include _erase.lua
local c = call('HMGET', conv, 'expiresAt', ARGV[2] ~= '' and ARGV[2] or 'student', 'acts:' .. ARGV[2])
if not c[1] then return missing() end
local expires = tonumber(c[1])
local state = ARGV[4]
if state == 'expired' then
  if expires > now then return { 'CONFLICT', expires } end
elseif expires <= now then
  return { 'GONE' }
end
if ARGV[1] ~= '' then
  if c[2] ~= ARGV[1] then return { 'NOT_FOUND' } end
  if bit.band(8, bit.band(tonumber(ARGV[3]), tonumber(c[3]))) == 0 then return { 'FORBIDDEN' } end
end
erase(state, ARGV[2] ~= '' and ARGV[2] or 'service')
return { 'OK' }
