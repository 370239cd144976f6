-- Entries of one conversation go into the feeds of those who are in it: each once, in order. Only feeds that somebody reads or read of late exist.
-- KEYS for each person: conv  log  hubs  present, of "@<person>" in _conversation.lua's names; all in one bucket.
--   conv: birth; base, entries cut off the front; at:<conversation> the position fed up to; "left <position>": was not fed after that; "erased"
--   log: f check at conversation position (lines). Hubs are told the same, followed by the entry; in place of the deadline 1: from there on it is followed without the feed.
-- ARGV 1 conversation  2 position of its first entry here (0: it was erased)  3 '0' ask when unsure, '1' sure: nothing unfed stands before it, '2' feeds that are behind
--   or unsure are broken off: who resumes before is told to load anew  4 twelve random hex digits  5 who did it, lines "participant role"  6 who gets one of
--   these only: lines "participant position l", who left with it; "participant position f", who from there on follows it without his feed, as they are too many for
--   feeds; "* position f": so do all that are not named, and they get what stands before it, too  7 entries a feed holds  8 … the entries
-- Reply {OK, lowest position fed up to of those that are behind (-1: none), 1 when some feed does not know where it is}: those got nothing; the others did.
local call = redis.call
local conversation, from, mode, seed, most = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[7])
local time = call('TIME')
local now = time[1] .. string.sub('00000' .. time[2], -6, -4)
local KEPT_MS, SLACK = 86400000, 64
local count = #ARGV - 7
local last = from + count - 1
local field = 'at:' .. conversation
local acted, once, how = {}, {}, {}
for who in string.gmatch(ARGV[5], '(%S+) %S+') do acted[who] = true end
for who, position, why in string.gmatch(ARGV[6], '(%S+) (%d+) (%S)') do once[who], how[who] = tonumber(position), why end
local tag = string.match(KEYS[1], '^{[^}]*}:')
local heads = {}   -- of each entry: what the list keeps, less the check

local function head_of(i)
  if not heads[i] then
    heads[i] = '\n' .. string.match(ARGV[7 + i], '^[^\n]*\n[^\n]*\n(%d+)') .. '\n' .. conversation .. '\n' .. string.format('%d', from + i - 1)
  end
  return heads[i]
end

local function hubs_of(key)
  local live = {}
  for _, hub in ipairs(call('HKEYS', key)) do
    if call('EXISTS', tag .. 'hub:' .. hub) == 1 then live[#live + 1] = tag .. 'hub:' .. hub .. ':inbox' else call('HDEL', key, hub) end
  end
  return live
end

--- include _inbox.lua

local function push(conv, log, hubs, id, base, first, stop, follows)
  local live, len = hubs_of(hubs), 0
  for i = first - from + 1, stop - from + 1 do
    local place = string.format('%d', from + i - 1)
    local entry = 'f\n' .. string.sub(redis.sha1hex(seed .. conv .. place), 1, 12) .. head_of(i)
    len = call('RPUSH', log, entry)
    local position = base + len
    for _, inbox in ipairs(live) do
      local mark = from + i - 1 == follows and '\n1\n' or '\n0\n'
      put(inbox, id .. '\nn\n' .. string.format('%d', position) .. mark .. entry .. '\n' .. ARGV[7 + i])
    end
  end
  if len <= count then call('PEXPIRE', log, KEPT_MS) end
  local over = len - most
  if over > SLACK then
    call('LTRIM', log, over, -1)
    call('HINCRBY', conv, 'base', over)
  end
end

local behind, unsure = -1, 0
for k = 1, #KEYS, 4 do
  local conv, log, hubs, present = KEYS[k], KEYS[k + 1], KEYS[k + 2], KEYS[k + 3]
  local id = string.sub(conv, #tag + 6)
  local who = string.sub(id, 2)
  if acted[who] then
    call('HSET', present, 'l:' .. who, now)
    call('PEXPIRE', present, KEPT_MS)
  end
  local f = call('HMGET', conv, 'birth', 'base', field)
  if f[1] then
    local base, at = tonumber(f[2] or 0), f[3]
    local named = once[who] and who or once['*'] and '*'
    local stop, first, leaves = named and math.min(once[named], last) or last, nil, named and how[named] == 'l'
    local fed = tonumber(at or nil)
    local gone = at and tonumber(string.match(at, '^left (%d+)$') or nil)
    local joins = fed and fed >= from - 1
    if at == 'erased' or (from > 0 and gone and gone >= stop) then
      first = nil   -- told late, by one who was slower than what came after
    elseif from == 0 then
      first = 0
    elseif named == who and not joins then
      first = stop   -- what stands before it he may not see any more
    elseif fed and not joins and mode ~= '2' then
      if behind == -1 or fed < behind then behind = fed end
    elseif not fed and mode == '0' then
      unsure = 1
    else
      if not joins and mode == '2' then
        -- What it lacks is too much, or nobody knows what that is: a place is left out, so that no cursor before it holds.
        base = base + call('LLEN', log) + 1
        call('DEL', log)
        call('HSET', conv, 'base', string.format('%d', base))
      end
      first = math.max(from, (fed or gone or 0) + 1)
    end
    if first and first <= stop then
      push(conv, log, hubs, id, base, first, stop, named and not leaves and once[named])
      call('HSET', conv, field, from == 0 and 'erased' or leaves and 'left ' .. string.format('%d', stop) or string.format('%d', stop))
    elseif named == '*' and fed and fed >= once[named] then
      -- It was fed by somebody who did not know that they are so many: hubs are told that alone, at no position.
      for _, inbox in ipairs(hubs_of(hubs)) do
        put(inbox, id .. '\nn\n0\n1\nf\n000000000000' .. head_of(stop - from + 1) .. '\n' .. ARGV[7 + stop - from + 1])
      end
    end
  end
end
return { 'OK', behind, unsure }
