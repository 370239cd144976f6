-- One row of a counselor's desk. KEYS _conversation; ARGV 1 counselor
-- Reply {OK, status, createdAt, expiresAt, lastActivityAt, student, student here, unread, the student's first unanswered message at (0: none),
--        assigned at, handed over by another (1 or 0), counselor ever here (1 or 0), summary ('' none), cursor's position, its check, label of the counselor,
--        when to look again}
--   | {OK, 'gone', why}: no more on this desk: 'handed_over', 'erased', 'expired'
--- include _conversation.lua
--- include _presence.lua
--- include _desk.lua
local c = call('HMGET', conv, 'counselor', 'status', 'createdAt', 'expiresAt', 'lastActivityAt', 'student', 'assignedAt', 'handedOver', 'in:counselor',
  'summary', 'role', 'seen', 'deleted')
if c[1] ~= ARGV[1] then
  call('SREM', tag .. 'desk:' .. ARGV[1], id)
  if c[1] then return { 'OK', 'gone', 'handed_over' } end
  return { 'OK', 'gone', call('HGET', gone, 'state') == 'erased' and 'erased' or 'expired' }
end
local expires = tonumber(c[4])
if expires <= now then return { 'OK', 'gone', 'expired' } end
local online, again = settle()
if #online == 0 then again = expires end   -- whoever comes announces it
local here = 0
for _, who in ipairs(online) do if who == c[6] then here = 1 end end
local count, since = unread(ARGV[1], c[6], c[12], c[13] or '0')
local length = call('LLEN', log)
return { 'OK', c[2], tonumber(c[3]), expires, tonumber(c[5]), c[6], here, count, tonumber(since), tonumber(c[7] or c[3]), tonumber(c[8] or 0), c[9] and 1 or 0,
  c[10] or '', length, end_check(length), c[9] or c[11], math.min(again, expires) }
