-- Which pushes are due. KEYS 1 {b}:push; ARGV 1 how many at most. Reply {OK, {'<conversation> <participant>' …}}
local time = redis.call('TIME')
return { 'OK', redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time[1] .. string.sub('00000' .. time[2], -6, -4), 'LIMIT', 0, ARGV[1]) }
