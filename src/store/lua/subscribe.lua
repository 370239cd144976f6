-- A reader begins, or begins again after its hub lost the lease or Redis: registers the hub, notes presence, and gives what came after the cursor.
-- KEYS _conversation; ARGV _participant, then 6 hub  7 exchanges it now holds for this participant  8 position ('' = no cursor, starts now)  9 check
--   10 entries at most  11 bytes at most
-- Reply {OK, resumed (1 yes, 0 no, -1 no cursor), expiresAt, status, position to go on from, its check, length,
--        {online}, {participant, read …}, {participant, delivered …}, when to look at presence again, {entries after the position},
--        the time of all this}
--   | {NO_LEASE}: the hub must take a new id | {code}
--- include _conversation.lua
--- include _after.lua
--- include _presence.lua
--- include _participant.lua
local hub = ARGV[6]
if call('EXISTS', tag .. 'hub:' .. hub) == 0 then return { 'NO_LEASE' } end
local refused = enter(2)
if refused then return refused end
call('HSET', hubs, hub, 1)
keep_key(hubs, expires)
call('SADD', tag .. 'hub:' .. hub .. ':convs', id)
call('HSET', present, 's:' .. me .. ':' .. hub, ARGV[7], 'l:' .. me, now)
call('HDEL', present, 'g:' .. me)
local online, again = settle()

local length = call('LLEN', log)
local resumed, from, from_check = -1, length, nil
if ARGV[8] ~= '' then
  local position = tonumber(ARGV[8])
  if position <= length and cursor_holds(position, ARGV[9]) then
    resumed, from, from_check = 1, position, ARGV[9]
    if position > tonumber(call('HGET', present, 'c:' .. me) or 0) then call('HSET', present, 'c:' .. me, position) end
  else
    resumed = 0
  end
end
local entries = entries_after(from, length, tonumber(ARGV[10]), tonumber(ARGV[11]))
return { 'OK', resumed, expires, status, from, from_check or end_check(length), length, online, call('HGETALL', read), call('HGETALL', delivered), again, entries, now }
