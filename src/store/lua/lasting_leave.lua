-- A hub holds fewer exchanges of a participant than before, some seconds ago: as leave.lua, of what lasts.
-- KEYS _conversation; ARGV 1 participant  2 hub  3 exchanges left here  4 readers left here  5 ms since it left, '' = not a clean leave (a poll was answered)
-- Reply {OK, when to look at presence again}
--- include _conversation.lua
--- include _presence.lua
--- include _lasting.lua
local me, hub = ARGV[1], ARGV[2]
if ARGV[3] == '0' then
  call('HDEL', present, 's:' .. me .. ':' .. hub)
  if ARGV[5] ~= '' then
    local p = signs()[me]
    local left = now - ARGV[5]
    if p and p.streams == 0 and p.life <= left then call('HSET', present, 'g:' .. me, left) end
  end
else
  call('HSET', present, 's:' .. me .. ':' .. hub, ARGV[3])
end
keep_day(present)
local _, again = settle()
if ARGV[4] == '0' then
  call('HDEL', hubs, hub)
  call('SREM', tag .. 'hub:' .. hub .. ':convs', id)
end
return { 'OK', again }
