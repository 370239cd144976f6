-- A hub holds fewer exchanges of a participant than before, some seconds ago: a clean leave, unless it showed life since. After _presence.lua.
-- ARGV 1 participant  2 hub  3 exchanges left here  4 readers of the conversation left here  5 ms since it left, '' = not a clean leave (a poll was answered)
local me, hub = ARGV[1], ARGV[2]
local LATE_MS = 3000   -- a request that was on its way when a page closed shows life so much later at most
if ARGV[3] == '0' then
  call('HDEL', present, 's:' .. me .. ':' .. hub)
  if ARGV[5] ~= '' then
    local p = signs()[me]
    local left = now - ARGV[5]
    if p and p.streams == 0 and p.life <= left + LATE_MS then call('HSET', present, 'g:' .. me, string.format('%d', math.max(left, p.life))) end
  end
else
  call('HSET', present, 's:' .. me .. ':' .. hub, ARGV[3])
end

local function forget_hub()
  call('HDEL', hubs, hub)
  call('SREM', tag .. 'hub:' .. hub .. ':convs', id)
end
