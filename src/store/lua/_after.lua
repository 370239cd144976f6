-- The log's entries after a position, expanded: at most so many, and so many bytes unless the first alone is larger. Read in small steps: what does not fit
-- is not to be copied, entries may have nearly 100 KB.
local STEP = 16
local function entries_after(from, length, most, room)
  local entries, n = {}, 0
  local stop = math.min(length, from + most)
  for first = from, stop - 1, STEP do
    for _, entry in ipairs(call('LRANGE', log, first, math.min(first + STEP, stop) - 1)) do
      entry = expanded(entry)
      if n > 0 and room < #entry then return entries end
      room, n = room - #entry, n + 1
      entries[n] = entry
    end
  end
  return entries
end
