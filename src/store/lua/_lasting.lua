-- Lasting conversations ("=<id>" in the place of a session's id) and users' feeds ("@<user>") in Redis: who listens, who is here, what was told. Their logs are in
-- SQL, so all of this may be lost and comes back by itself. After _conversation.lua and _presence.lua.
--   field told of the conv hash: the log was announced up to there. Keys live for a day after their last use.
--   field r:<participant> of the present hash: the role that the others are shown
local DAY = 86400000

local function keep_day(...)
  for _, key in ipairs({ ... }) do call('PEXPIRE', key, DAY) end
end

-- The hub holds readers of it. False: the hub knew that, and so do we.
local function hold(hub)
  call('SADD', tag .. 'hub:' .. hub .. ':convs', id)
  return call('HSET', hubs, hub, 1) == 1
end

local function told()
  return tonumber(call('HGET', conv, 'told') or -1)
end
