-- Removes the items that drain_look gave, if they still are the oldest: another worker may have done it, or Redis may have been lost and filled anew.
-- KEYS 1 the list; ARGV 1 how many  2 the first  3 the last. Reply {OK} | {CONFLICT}
local n = tonumber(ARGV[1])
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[2] or redis.call('LINDEX', KEYS[1], n - 1) ~= ARGV[3] then return { 'CONFLICT' } end
redis.call('LTRIM', KEYS[1], n, -1)
return { 'OK' }
