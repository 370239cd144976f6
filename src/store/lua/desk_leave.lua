-- A hub holds a counselor's desk no more. Conversations learn of it when they next have news (_conversation.lua).
-- KEYS 1 {b}:desk:<counselor>:hubs; ARGV 1 hub. Reply {OK}
redis.call('HDEL', KEYS[1], ARGV[1])
return { 'OK' }
