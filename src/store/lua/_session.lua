-- The answer that all session scripts give:
-- {OK, made now, status, createdAt, expiresAt, lastActivityAt, student, counselor, counselor's role, caseRef, summaries,
--  acts of student, acts of counselor, messages, student here, counselor here}
local function session_answer(made)
  local c = call('HMGET', conv, 'status', 'createdAt', 'expiresAt', 'lastActivityAt', 'student', 'counselor', 'role', 'caseRef', 'summaries',
    'acts:student', 'acts:counselor', 'messages', 'deleted')
  local here = {}
  for _, who in ipairs((settle())) do here[who] = 1 end
  return { 'OK', made, c[1], tonumber(c[2]), tonumber(c[3]), tonumber(c[4]), c[5], c[6], c[7], c[8], c[9], tonumber(c[10]), tonumber(c[11]),
    (tonumber(c[12]) or 0) - (tonumber(c[13]) or 0), here[c[5]] or 0, here[c[6]] or 0 }
end

local function alive()
  local c = call('HMGET', conv, 'expiresAt', 'status')
  if not c[1] then return missing() end
  if tonumber(c[1]) <= now then return { 'GONE' } end
  return nil, tonumber(c[1]), c[2]
end
