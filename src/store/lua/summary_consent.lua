-- The student allows summaries, or does so no longer, or looks how it stands. KEYS _conversation; ARGV _participant, then 6 '1', '0', or '' (looks)
-- Reply {OK, policy, consent ('' not said), 1 when a summary was asked for} | {CONFLICT}: the session does not wait for consent, so taking it back
--   would change nothing | {code}
--- include _conversation.lua
--- include _participant.lua
--- include _summary.lua
local refused = enter(0)
if refused then return refused end
if side ~= 'student' then return { 'FORBIDDEN' } end
local policy = call('HGET', conv, 'summaries')
if ARGV[6] == '0' and policy == 'allowed' then return { 'CONFLICT' } end
if ARGV[6] ~= '' then
  call('HSET', conv, 'consent', ARGV[6])
  if policy == 'consent' then
    if ARGV[6] ~= '1' then call('DEL', copy) end
    -- Once the session is over nobody can tell any more what was said here: the request keeps it.
    if call('EXISTS', job) == 1 then call('HSET', job, 'refused', ARGV[6] == '1' and 0 or 1) end
  end
  note(ARGV[6] == '1' and 'consent' or 'no_consent', side, 0)
end
local s = call('HMGET', conv, 'consent', 'summaryAt')
return { 'OK', policy or '', s[1] or '', s[2] and 1 or 0 }
