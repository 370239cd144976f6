-- The oldest items of a queue that others append to. They stay until drain_done. KEYS 1 the list; ARGV 1 how many. Reply {OK, {items}}
return { 'OK', redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1) }
