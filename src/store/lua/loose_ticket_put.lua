-- Keeps a single-use stream ticket of a desk or of a user; the store knows only its hash. KEYS 1 {b}:desk or {b}:user; ARGV 1 the opaque ticket  2 what it stands for  3 ms. Reply {OK}
redis.call('SET', KEYS[1] .. ':ticket:' .. redis.sha1hex(ARGV[1]), ARGV[2], 'PX', ARGV[3])
return { 'OK' }
