-- Who is here (design §5). Fields of the present hash:
--   l:<participant>        last sign of life, ms
--   g:<participant>        left cleanly at, ms
--   a:<participant>        its client says `alive`, so an open stream alone proves nothing
--   s:<participant>:<hub>  exchanges that this hub holds open for it
--   o:<participant>        what was told of it: '1' readers know that it is here; and while it is away and something waits for it: 'w' MainServer knows, a push
--                          is due or under way; 'n' the same, but it has no device; 'p' it was pushed: no more of that until it comes (no field: none of these)
--   c:<participant>        the highest position it resumed from: what stands before was delivered
--   n:<participant>        how often the push that is due failed
local LIFE_MS = 60000

-- Signs of the participants, read once: { [participant] = {life, left, alive, streams, told} }
local function signs()
  local all, flat, leased = {}, call('HGETALL', present), {}
  for i = 1, #flat, 2 do
    local kind, who, hub = string.match(flat[i], '^(%a):([^:]+):?(.*)$')
    local p = all[who] or { life = 0, left = 0, streams = 0 }
    all[who] = p
    if kind == 'l' then p.life = tonumber(flat[i + 1])
    elseif kind == 'g' then p.left = tonumber(flat[i + 1])
    elseif kind == 'a' then p.alive = true
    elseif kind == 'o' then p.told = flat[i + 1]
    elseif kind == 's' then
      if leased[hub] == nil then leased[hub] = call('EXISTS', tag .. 'hub:' .. hub) == 1 end
      if leased[hub] then p.streams = p.streams + 1 else call('HDEL', present, flat[i]) end
    end
  end
  return all
end

-- Is it here, and until when does that stand without another sign (nil: as long as its stream)?
local function is_here(p)
  if p.streams > 0 and not p.alive then return true, nil end
  if p.streams == 0 and p.left >= p.life then return false, nil end
  if now - p.life < LIFE_MS then return true, p.life + LIFE_MS end
  return false, nil
end

local function label(who)
  if string.find(id, '^[=@]') then return call('HGET', present, 'r:' .. who) or 'member' end   -- of what lasts (_lasting.lua)
  local c = call('HMGET', conv, 'student', 'counselor', 'in:counselor', 'role')
  if c[1] == who then return 'student' end
  if c[2] == who then return (c[3] and c[3] ~= '' and c[3]) or c[4] or 'counselor' end
  return nil
end

local function tell_presence(who, role, online)
  if string.sub(id, 1, 1) == '@' then return end   -- of oneself
  announce_passing('presence', '', '{"participant":"' .. who .. '","role":"' .. role .. '","online":' .. tostring(online) .. ',"at":' .. now .. '}')
end

-- Brings what readers were told in line with the signs. Returns who is here, and when to look again (ms; at most LIFE_MS away).
local function settle()
  local online, again = {}, now + LIFE_MS
  for who, p in pairs(signs()) do
    local here, till = is_here(p)
    local role = label(who)
    if here and role then
      table.insert(online, who)
      if till and till < again then again = till end
    end
    if role and here and p.told ~= '1' then
      arrived(who, p.told)
      tell_presence(who, role, true)
    elseif p.told == '1' and not here then
      call('HDEL', present, 'o:' .. who)
      if role then tell_presence(who, role, false) end
    end
  end
  table.sort(online)
  return online, again
end
