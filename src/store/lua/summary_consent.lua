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
  -- Once the session is over nobody can tell any more what was said here: then a request without a copy comes to nothing.
  if ARGV[6] ~= '1' and call('HGET', conv, 'summaries') == 'consent' then call('DEL', copy) end
  note(ARGV[6] == '1' and 'consent' or 'no_consent', side, 0)
end
local s = call('HMGET', conv, 'summaries', 'consent', 'summaryAt')
return { 'OK', s[1] or '', s[2] or '', s[3] and 1 or 0 }
