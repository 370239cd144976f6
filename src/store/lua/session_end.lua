-- Ends a session: read-only until its deadline, which does not move. Ended before: nothing changes.
-- KEYS _conversation; ARGV 1 participant ('' = the service)  2 side  3 role  4 acts of the ticket
--   5 twenty-four random hex digits, and behind them the id of the HTTP request  6 '1': summaries can be written here
-- Reply _session, then when the summary was asked for that still waits for a copy of the log (0: none does) | {code}
--- include _conversation.lua
--- include _presence.lua
--- include _session.lua
--- include _summary.lua
local refused, expires, status = alive()
if refused then return refused end
if ARGV[1] ~= '' then
  local c = call('HMGET', conv, ARGV[2], 'acts:' .. ARGV[2])
  if c[1] ~= ARGV[1] then return { 'NOT_FOUND' } end
  if bit.band(4, bit.band(tonumber(ARGV[4]), tonumber(c[2]))) == 0 then return { 'FORBIDDEN' } end
end
if status == 'active' then
  call('HSET', conv, 'status', 'ended', 'endedAt', now)
  local by = ARGV[1] ~= '' and ARGV[3] or 'service'
  append_event(string.sub(ARGV[5], 1, 12), 'session:ended', '{"by":"' .. by .. '","at":' .. now .. ',"expiresAt":' .. expires .. '}', expires)
  local c = call('HMGET', conv, 'student', 'counselor')
  call('ZREM', push, id .. ' ' .. c[1], id .. ' ' .. (c[2] or ''))
  note('ended', by, 0)
  tell('ended', by, expires, string.sub(ARGV[5], 25))
  local s = call('HMGET', conv, 'summarizeOnEnd', 'counselor', 'role', 'summary')
  if ARGV[6] == '1' and s[1] == '1' and (s[2] or '') ~= '' and s[4] ~= 'requested' and not summary_refused() then
    request_summary(s[2], s[2], s[3], 'counselor', string.sub(ARGV[5], 13, 24), expires, string.sub(ARGV[5], 25))
  end
end
local answer = session_answer(0)
answer[#answer + 1] = call('ZSCORE', queue, id) and call('EXISTS', copy) == 0 and tonumber(call('HGET', job, 'at') or 0) or 0
return answer
