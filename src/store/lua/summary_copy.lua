-- Keeps the sealed log of a request, so that neither expiry nor a summary waits for the other. It must be of the log as it is: what was deleted
-- meanwhile is in no copy (amend.lua drops the one there is).
-- KEYS _conversation; ARGV 1 claim, '' by who just asked  2 log state that was read  3 the sealed log  4 which request: at.
-- Reply {OK} (also, by who just asked, when there is a copy already) | {CONFLICT} the claim lapsed, it was erased, it is another request
--   | {CONFLICT, 'amended'}: something was edited or deleted since | {FORBIDDEN} the consent was taken back
--- include _conversation.lua
--- include _summary.lua
local at = call('HGET', job, 'at')
if at ~= ARGV[4] or not call('ZSCORE', queue, id) then return { 'CONFLICT' } end
if ARGV[1] ~= '' then
  if not claimed(ARGV[1]) then return { 'CONFLICT' } end
elseif call('EXISTS', copy) == 1 then
  return { 'OK' }
end
if refused_by_student() then return { 'FORBIDDEN' } end
local amended = call('HGET', conv, 'amended')
if call('EXISTS', conv) == 1 and (amended or '0') ~= string.match(ARGV[2], ' (%d+)$') then return { 'CONFLICT', 'amended' } end
call('SET', copy, ARGV[3])
call('PEXPIREAT', copy, at + HOUR)
call('HSET', job, 'of', ARGV[2])
return { 'OK' }
