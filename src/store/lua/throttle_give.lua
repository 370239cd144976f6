-- A try was good, and does not count. KEYS counters that have counted it, each of which gets one back: no more, so that nobody learns from his own tries that somebody
-- came in meanwhile. Reply {OK}
for _, key in ipairs(KEYS) do
  local n = tonumber(redis.call('GET', key) or 0)
  if n > 1 then redis.call('DECR', key) elseif n == 1 then redis.call('DEL', key) end
end
return { 'OK' }
