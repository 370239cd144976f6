-- Takes from a dead hub's list conversations whose presence must be looked at; when the list is empty, forgets the hub.
-- KEYS 1 {b}:hub:<dead>  2 {b}:hubs  3 {b}:hub:<dead>:inbox  4 {b}:hub:<dead>:convs; ARGV 1 dead hub  2 how many
-- Reply {OK, conversation id …}
if redis.call('EXISTS', KEYS[1]) == 1 then return { 'OK' } end
local reply = redis.call('SPOP', KEYS[4], ARGV[2])
if redis.call('EXISTS', KEYS[4]) == 0 then
  redis.call('SREM', KEYS[2], ARGV[1])
  redis.call('DEL', KEYS[3])
end
table.insert(reply, 1, 'OK')
return reply
