-- A counselor asks for a summary (design §9). Asked for before and still under way: the same request, for who asks now. Ready, and nothing was said or
-- changed since: nothing is made, unless 6 says so (the ready one is not there any more).
-- KEYS _conversation; ARGV _participant, then 6 '1': in any case. Reply {OK, 'requested' or 'unchanged', at, createdAt, caseRef}
--   | {FORBIDDEN} the policy is off | {CONFLICT, 'consent'} the student's is needed | {CONFLICT, 'empty'} | {code}
--- include _conversation.lua
--- include _participant.lua
--- include _summary.lua
local refused = enter(16)
if refused then return refused end
if side ~= 'counselor' then return { 'FORBIDDEN' } end
local s = call('HMGET', conv, 'createdAt', 'caseRef', 'summary', 'summaryAt', 'summaryOf')
local function answer(word, at) return { 'OK', word, at, tonumber(s[1]), s[2] or '' } end
local pending = call('ZSCORE', queue, id) and call('HGET', job, 'at')
if pending then
  call('HSET', job, 'counselor', me)
  return answer('requested', tonumber(pending))
end
local why = summary_refused()
if why == 'off' then return { 'FORBIDDEN' } end
if why then return { 'CONFLICT', why } end
if ARGV[6] ~= '1' and s[3] == 'ready' and s[5] == log_state() then return answer('unchanged', tonumber(s[4])) end
return answer('requested', request_summary(me, me, role, side, check, expires, request))
