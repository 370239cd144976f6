-- How much waits in a queue of the worker. KEYS 1 a sorted set of when each is due, or a list. Reply {OK, all, those due, ms since the first was due}
local key = KEYS[1]
local kind = redis.call('TYPE', key).ok
if kind == 'list' then return { 'OK', redis.call('LLEN', key), 0, 0 } end
if kind ~= 'zset' then return { 'OK', 0, 0, 0 } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
return { 'OK', redis.call('ZCARD', key), redis.call('ZCOUNT', key, '-inf', now), math.max(0, now - math.floor(tonumber(first))) }
