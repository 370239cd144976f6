-- The queue of pushes, for the operator. KEYS 1 {b}:push  2 {b}:push:dead. Reply {OK, length, due now, when the oldest was due (0: none is), {why, how many, …}}
local time = redis.call('TIME')
local now = time[1] .. string.sub('00000' .. time[2], -6, -4)
local oldest = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1)
local dead, flat = {}, redis.call('HGETALL', KEYS[2])
for i = 1, #flat, 2 do
  if string.sub(flat[i], 1, 3) ~= 'at:' then
    dead[#dead + 1] = flat[i]
    dead[#dead + 1] = tonumber(flat[i + 1])
  end
end
return { 'OK', redis.call('ZCARD', KEYS[1]), redis.call('ZCOUNT', KEYS[1], '-inf', now), tonumber(oldest[2] or 0), dead }
