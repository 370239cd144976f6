-- Conversations whose deadline, as last noted, has passed. KEYS 1 {b}:due; ARGV 1 how many. Reply {OK, {ids}}
local time = redis.call('TIME')
return { 'OK', redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time[1] * 1000 + math.floor(time[2] / 1000), 'LIMIT', 0, ARGV[1]) }
