-- A try was good. KEYS 1 the account's counter, which goes  2 the address's, which gets one back. Reply {OK}
redis.call('DEL', KEYS[1])
local n = tonumber(redis.call('GET', KEYS[2]) or 0)
if n > 1 then redis.call('DECR', KEYS[2]) elseif n == 1 then redis.call('DEL', KEYS[2]) end
return { 'OK' }
