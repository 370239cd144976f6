-- Is a claimed request still wanted? Asked before anything leaves the house, and before anything is kept.
-- KEYS _conversation; ARGV 1 claim  2 log state that was read ('' not asked)
-- Reply {OK} | {CONFLICT} the claim lapsed, or the session was erased | {CONFLICT, 'amended'} | {FORBIDDEN} the consent was taken back
--- include _conversation.lua
--- include _summary.lua
if not claimed(ARGV[1]) then return { 'CONFLICT' } end
if refused_by_student() then return { 'FORBIDDEN' } end
if ARGV[2] ~= '' and call('EXISTS', conv) == 1 and (call('HGET', conv, 'amended') or '0') ~= string.match(ARGV[2], ' (%d+)$') then return { 'CONFLICT', 'amended' } end
return { 'OK' }
