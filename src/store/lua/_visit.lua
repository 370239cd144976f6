-- Signs of life in a lasting conversation ("=<id>"), after _conversation.lua. Who may be there was looked up in SQL before.
--   field told of the conv hash: readers were told up to there · field r:<participant> of the present hash: the role that readers see
local KEPT_MS = 86400000   -- keys live so long after their last use
watched = false            -- on nobody's desk

local function kept(...)
  for _, key in ipairs({ ... }) do call('PEXPIRE', key, KEPT_MS) end
end

-- Somebody did something here: readers hear of it when it is news.
local function visit(who, role)
  local signs = call('HMGET', present, 'l:' .. who, 'o:' .. who, 'r:' .. who)
  if not signs[1] or now - signs[1] > 1000 then
    call('HSET', present, 'l:' .. who, now_text)
    kept(present)
  end
  if signs[3] ~= role then call('HSET', present, 'r:' .. who, role) end
  if signs[2] ~= '1' then
    arrived(who, signs[2])
    announce_passing('presence', '', '{"participant":"' .. who .. '","role":"' .. role .. '","online":true,"at":' .. now_text .. '}')
  end
end

-- Who left or was removed is not here any more, whatever his signs say.
local function forget(who)
  for _, field in ipairs(call('HKEYS', present)) do
    if string.match(field, '^%a:([^:]+)') == who then call('HDEL', present, field) end
  end
end
