-- What of a queue is due, the earliest first. KEYS 1 {b}:due, {b}:push or {b}:summary: scores are when, ms; ARGV 1 how many. Reply {OK, {members}}
local time = redis.call('TIME')
return { 'OK', redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time[1] * 1000 + math.floor(time[2] / 1000), 'LIMIT', 0, ARGV[1]) }
