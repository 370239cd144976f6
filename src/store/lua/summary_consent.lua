-- The student allows summaries, or does so no longer. KEYS _conversation; ARGV _participant, then 6 '1' or '0'. Reply {OK} | {code}
--- include _conversation.lua
--- include _participant.lua
local refused = enter(0)
if refused then return refused end
if side ~= 'student' then return { 'FORBIDDEN' } end
call('HSET', conv, 'consent', ARGV[6])
note(ARGV[6] == '1' and 'consent' or 'no_consent', side, 0)
return { 'OK' }
