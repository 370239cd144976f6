-- What stands in Redis's append-only file and should not. KEYS 1 {b}:aof:dirty  2 {b}:aof:under
-- Reply {OK, how often something was noted that should be gone from it ('' never), what of that a rewrite was begun for ('' none was)}
return { 'OK', redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[2]) or '' }
