-- A rewrite of the append-only file has begun after so many notes of erasures. KEYS 1 where they are counted; ARGV 1 how many. Reply {OK}
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return { 'OK' }
