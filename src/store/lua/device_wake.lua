-- A person has a push target that was not there before: what found none is due now.
-- KEYS 1 {b}:desk:<person>, the conversations of that counselor  2 {b}:push; ARGV 1 person. Reply {OK, how many are due}
local call = redis.call
local who, count = ARGV[1], 0
local time = call('TIME')
local now_text = time[1] .. string.sub('00000' .. time[2], -6, -4)
local tag = string.match(KEYS[2], '^{[^}]*}:')
for _, id in ipairs(call('SMEMBERS', KEYS[1])) do
  local present = tag .. 'conv:' .. id .. ':present'
  local told = call('HGET', present, 'o:' .. who)   -- _presence.lua
  if told == 'n' then
    call('HDEL', present, 'n:' .. who)
    count = count + call('ZADD', KEYS[2], 'XX', 'CH', now_text, id .. ' ' .. who)
  elseif told == 'w' then
    call('HSET', present, 'o:' .. who, 'n')         -- a worker has it, and looked before: not what it finds, but what there is now counts (push_done.lua)
  end
end
return { 'OK', count }
