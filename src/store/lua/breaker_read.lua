-- The state of a circuit breaker, and the time that all hosts agree on. KEYS 1 {0}:breaker:<name>; reply {OK, state ('' none), now}
local time = redis.call('TIME')
return { 'OK', redis.call('GET', KEYS[1]) or '', time[1] * 1000 + math.floor(time[2] / 1000) }
