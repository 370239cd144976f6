-- The pushes of a bucket in numbers. KEYS 1 {b}:push  2 {b}:push:dead. Reply {OK, how many are due, how many were given up}
local time, dead, flat = redis.call('TIME'), 0, redis.call('HGETALL', KEYS[2])
for i = 1, #flat, 2 do
  if string.sub(flat[i], 1, 3) ~= 'at:' then dead = dead + flat[i + 1] end
end
return { 'OK', redis.call('ZCOUNT', KEYS[1], '-inf', time[1] .. string.sub('00000' .. time[2], -6, -4)), dead }
