-- One more try, if all of the counters allow it; then each of them counts it. A window begins with its first try.
-- KEYS counters; ARGV for each: tries, window in ms. Reply {OK} | {RATE_LIMITED, ms to wait}
local wait = 0
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or 0) >= tonumber(ARGV[2 * i - 1]) then wait = math.max(wait, redis.call('PTTL', key), 1) end
end
if wait > 0 then return { 'RATE_LIMITED', wait } end
for i, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[2 * i]) end
end
return { 'OK' }
