-- A login is over: every hub is told, and ends what is open by it. KEYS 1 {b}:hubs of one bucket; ARGV 1 login. Reply {OK}
-- The news is the line '' r login.
local tag = string.match(KEYS[1], '^{[^}]*}:')
for _, hub in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('EXISTS', tag .. 'hub:' .. hub) == 1 then
    local inbox = tag .. 'hub:' .. hub .. ':inbox'
    redis.call('RPUSH', inbox, '\nr\n' .. ARGV[1])
    redis.call('PEXPIRE', inbox, 60000)
  end
end
return { 'OK' }
