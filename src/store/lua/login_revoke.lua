-- A login stands no more: whoever asks Redis learns it, and hubs end the streams that rest on it.
-- KEYS 1 {0}:login:<id>  2 {0}:hubs; ARGV 1 id  2 seconds that somebody may still believe in it. Reply {OK}
local call = redis.call
local tag = string.match(KEYS[1], '^{[^}]*}:')
call('DEL', KEYS[1])   -- first, for that a full Redis still does, and then the rest of the script, too
call('SET', KEYS[1], '-', 'EX', ARGV[2])
for _, hub in ipairs(call('SMEMBERS', KEYS[2])) do
  local key = tag .. 'hub:' .. hub
  if call('EXISTS', key) == 1 then
    if call('RPUSH', key .. ':inbox', ARGV[1] .. '\nv') == 1 then call('PEXPIRE', key .. ':inbox', 60000) end
  end
end
return { 'OK' }
