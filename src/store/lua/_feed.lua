-- A user's feed: the list named log holds its latest entries, base counts those cut off the front; position = base + index + 1. An entry is lines
--   f check at conversation position      what that is, is looked up in SQL when it is told; 0: the conversation was erased
-- After _conversation.lua and _lasting.lua.
local base = tonumber(call('HGET', conv, 'base') or 0)

local function feed_length()
  return base + call('LLEN', log)
end

-- Position 0 carries the feed's birth mark; made by whoever comes first. A list that outlived its feed lacks what came since: it is void.
local function birth(mark)
  if call('HSETNX', conv, 'birth', mark) == 1 then call('DEL', log) end
  return call('HGET', conv, 'birth')
end

-- The mark that a cursor at position must carry; false when that is not known (any more).
local function feed_mark(position)
  if position == 0 then return base == 0 and call('HGET', conv, 'birth') end
  if position <= base then return false end
  local entry = call('LINDEX', log, position - base - 1)
  return entry and string.sub(entry, 3, 14)
end

local function feed_after(position, most)
  return call('LRANGE', log, position - base, position - base + most - 1)
end
