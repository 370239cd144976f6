-- A hub takes or renews its lease, and learns of hubs whose lease is gone.
-- KEYS 1 lease {b}:hub:<hub>  2 {b}:hubs, the registry  3 its inbox; ARGV 1 hub  2 lease ms  3 'take' or 'renew'
-- Reply {OK, dead hub …} | {NO_LEASE}
if ARGV[3] == 'take' then
  redis.call('SET', KEYS[1], 1, 'PX', ARGV[2])
elseif not redis.call('SET', KEYS[1], 1, 'XX', 'PX', ARGV[2]) then
  return { 'NO_LEASE' }
end
local tag = string.match(KEYS[1], '^{[^}]*}:')
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', tag .. 'hub:' .. ARGV[1] .. ':convs', 26 * 3600000)
redis.call('PEXPIRE', KEYS[3], 60000)   -- what waits for a living hub stays, also when a long rush never lets its inbox run empty
local reply = { 'OK' }
for _, hub in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  if redis.call('EXISTS', tag .. 'hub:' .. hub) == 0 then reply[#reply + 1] = hub end
end
return reply
