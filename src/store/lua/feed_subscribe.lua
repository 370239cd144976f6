-- A reader of a user's feed begins, or begins again.
-- KEYS _conversation, of "@<user>"; ARGV 1 user  2 hub  3 exchanges it now holds for the user  4 position ('' = no cursor, starts now)  5 check  6 entries at most
--   7 twelve random hex digits
-- Reply {OK, resumed (1 yes, 0 no, -1 no cursor), position to go on from, its check, length, when to look at presence again, {entries after the position}}
--   | {NO_LEASE}
--- include _conversation.lua
--- include _presence.lua
--- include _lasting.lua
--- include _feed.lua
local me, hub = ARGV[1], ARGV[2]
if call('EXISTS', tag .. 'hub:' .. hub) == 0 then return { 'NO_LEASE' } end
hold(hub)
call('HSET', present, 's:' .. me .. ':' .. hub, ARGV[3], 'l:' .. me, now)
call('HDEL', present, 'g:' .. me)
local _, again = settle()
local mark = birth(ARGV[7])
local length = feed_length()
keep_day(conv, log, hubs, present)
local from, resumed = length, -1
if ARGV[4] ~= '' then
  from = tonumber(ARGV[4])
  resumed = from <= length and feed_mark(from) == ARGV[5] and 1 or 0
  if resumed == 0 then from = length end
end
-- A feed whose last entry was cut off has no mark at its end: its birth mark stands for that.
return { 'OK', resumed, from, feed_mark(from) or mark, length, again, feed_after(from, tonumber(ARGV[6])) }
