-- Keeps the sealed log of a claimed request, so that neither expiry nor a summary waits for the other. It must be of the log as it is: what
-- was deleted meanwhile is in no copy (amend.lua drops the one there is).
-- KEYS _conversation; ARGV 1 claim  2 log state that was read  3 the sealed log. Reply {OK} | {CONFLICT} the claim lapsed, or it was erased
--   | {CONFLICT, 'amended'}: something was edited or deleted since
--- include _conversation.lua
--- include _summary.lua
if not claimed(ARGV[1]) then return { 'CONFLICT' } end
local amended = call('HGET', conv, 'amended')
if call('EXISTS', conv) == 1 and (amended or '0') ~= string.match(ARGV[2], ' (%d+)$') then return { 'CONFLICT', 'amended' } end
local at = call('HGET', job, 'at')
call('SET', copy, ARGV[3])
call('PEXPIREAT', copy, at + HOUR)
call('HSET', job, 'of', ARGV[2])
return { 'OK' }
