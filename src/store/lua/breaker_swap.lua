-- Puts a breaker's next state, if nobody else was faster. KEYS 1 {0}:breaker:<name>; ARGV 1 the state it was made from ('' none)  2 the next  3 ttl ms
-- Reply {OK} | {CONFLICT}
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return { 'CONFLICT' } end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return { 'OK' }
