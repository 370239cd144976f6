-- What became of a claimed push. The claim must still stand: after its end another worker may have it.
-- KEYS _conversation; ARGV 1 participant  2 claim  3 outcome, then
--   'sent'                   Google has it: readers learn that it was notified; no more pushes until it comes
--   'off'                    there are no pushes on this machine: no more of them until it comes
--   'none', 4 ms             it has no device: looked at again after so long
--   'again', 4 ms, 5 0 or 1  tried again after so long; whether it counts as a failure. Not at all when the session ends before: a dead letter
--   'forget', 4 device       that target is gone; judged anew with another, if there is one
--   'dead', 4 why            never again: a dead letter
-- Reply {OK, what became of it: 'over', 'due' or 'dead'} | {CONFLICT}: the claim lapsed
--- include _conversation.lua
--- include _push.lua
if tonumber(call('ZSCORE', push, member) or 0) ~= tonumber(ARGV[2]) then return { 'CONFLICT' } end
local outcome = ARGV[3]
local expires = tonumber(call('HGET', conv, 'expiresAt') or 0)
if outcome == 'dead' then dead_letter(ARGV[4]) end
if expires <= now then
  call('ZREM', push, member)
  return { 'OK', 'over' }
end
-- Did it come meanwhile? Then what was told before it came is over, and what came since is judged anew.
local still = call('HGET', present, 'o:' .. who) == 'w'

local function judged_anew(at)
  call('ZADD', push, at, member)
  return { 'OK', 'due' }
end

if outcome == 'dead' then
  drop()
  return { 'OK', 'dead' }
elseif outcome == 'again' then
  local at = now + ARGV[4]
  if at >= expires then
    dead_letter('SESSION_ENDS_BEFORE')
    drop()
    return { 'OK', 'dead' }
  end
  if ARGV[5] == '1' then call('HINCRBY', present, 'n:' .. who, 1) end
  return judged_anew(at)
elseif outcome == 'forget' then
  if call('HGET', device, who) == ARGV[4] then call('HDEL', device, who) end
  return judged_anew(now)
elseif outcome == 'none' then
  if not still then return judged_anew(now) end
  call('HSET', present, 'o:' .. who, 'n')
  call('HINCRBY', present, 'n:' .. who, 1)
  return judged_anew(now + ARGV[4])
end
if outcome == 'sent' then announce_passing('user:notified', who, '{"participant":"' .. who .. '","at":' .. now_text .. '}') end
if not still then return judged_anew(now) end
drop()
call('HSET', present, 'o:' .. who, 'p')
return { 'OK', 'over' }
