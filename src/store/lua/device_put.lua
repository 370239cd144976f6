-- A participant's own push target, or none any more. KEYS _conversation; ARGV _participant, then 6 device as JSON ('' takes it away). Reply {OK} | {code}
--- include _conversation.lua
--- include _participant.lua
local refused = enter(0)
if refused then return refused end
if ARGV[6] == '' then
  call('HDEL', device, me)
else
  call('HSET', device, me, ARGV[6])
  keep_key(device, expires)
  -- What found no device waits on, for as long as a reload takes: naming one is no proof that it was read.
  if my_told == 'n' then call('ZADD', push, 'NX', now + 10000, id .. ' ' .. me) end
end
return { 'OK' }
