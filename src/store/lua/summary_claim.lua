-- Claims a request that is due, for a while.
-- KEYS _conversation; ARGV 1 lease ms
-- Reply {OK, 'taken'}: somebody else has it | {OK, 'dropped'}: nobody knows what it was
--   | {OK, state, claim, at, createdAt, counselor, caseRef, tries, the sealed log when state is 'copy', id of the HTTP request ('' none)},
--     state being
--       'log'      the session lives: its log is to be read, and a copy kept     'copy'     it is over, and left a copy
--       'over'     it is over, and no copy was made in time                      'late'     the hour has passed
--       'refused'  the student's consent was taken back
--- include _conversation.lua
--- include _summary.lua
local score = call('ZSCORE', queue, id)
if not score or tonumber(score) > now then return { 'OK', 'taken' } end
local j = call('HMGET', job, 'at', 'createdAt', 'counselor', 'caseRef', 'tries', 'request')
if not j[1] then
  call('ZREM', queue, id)
  return { 'OK', 'dropped' }
end
local state, text = 'over', nil
if now >= j[1] + HOUR then
  state = 'late'
elseif refused_by_student() then
  state = 'refused'
elseif tonumber(call('HGET', conv, 'expiresAt') or 0) > now then
  state = 'log'
else
  text = call('GET', copy)
  if text then state = 'copy' end
end
local claim = now + ARGV[1]
call('ZADD', queue, claim, id)
return { 'OK', state, claim, tonumber(j[1]), tonumber(j[2]), j[3], j[4], tonumber(j[5]), text or '', j[6] or '' }
