-- What became of a claimed request. The claim must still stand.
-- KEYS _conversation; ARGV 1 claim  2 outcome  3 ms, or why  4 '1': it counts as a try  5 twelve random hex digits. Outcomes:
--   'ready', 'failed'  it is kept in SQL how it ended: readers learn of it while the session lives, the counselor's desk even when it is over
--   'again'            looked at again after so long
--   'drop'             nobody wants it any more
-- Reply {OK} | {CONFLICT}
--- include _conversation.lua
--- include _summary.lua
if not claimed(ARGV[1]) then return { 'CONFLICT' } end
local outcome = ARGV[2]
if outcome == 'again' then
  call('ZADD', queue, now + ARGV[3], id)
  if ARGV[4] == '1' then call('HINCRBY', job, 'tries', 1) end
  return { 'OK' }
end
local j = call('HMGET', job, 'of', 'counselor')
call('ZREM', queue, id)
call('DEL', job, copy)
if outcome ~= 'drop' then post(tag .. 'desk:' .. j[2] .. ':hubs', id .. '\ny\n' .. j[2] .. '\n' .. outcome .. '\n' .. now_text) end
local expires = tonumber(call('HGET', conv, 'expiresAt') or 0)
if expires <= now then return { 'OK' } end
if outcome == 'drop' then
  call('HDEL', conv, 'summary', 'summaryOf')
elseif outcome == 'ready' then
  call('HSET', conv, 'summary', 'ready', 'summaryOf', j[1] or '')
  append_event(ARGV[5], 'summary:ready', '{"at":' .. now_text .. '}', expires)
  note('summarized', 'service', 0)
else
  call('HSET', conv, 'summary', 'failed')
  announce_passing('summary:failed', '', '{"at":' .. now_text .. ',"why":"' .. ARGV[3] .. '"}')
end
return { 'OK' }
