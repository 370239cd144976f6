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
end
return { 'OK' }
