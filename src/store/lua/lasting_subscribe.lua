-- A reader of a lasting conversation begins, or begins again: registers the hub and notes presence. Who may was looked up in SQL before.
-- KEYS _conversation; ARGV 1 participant  2 role  3 hub  4 exchanges it now holds for this participant
-- Reply {OK, announced up to (-1: nobody knows), {online}, when to look at presence again, now} | {NO_LEASE}: the hub must take a new id
--- include _conversation.lua
--- include _presence.lua
--- include _lasting.lua
local me, hub = ARGV[1], ARGV[3]
if call('EXISTS', tag .. 'hub:' .. hub) == 0 then return { 'NO_LEASE' } end
call('HSET', present, 's:' .. me .. ':' .. hub, ARGV[4], 'l:' .. me, now, 'r:' .. me, ARGV[2])
call('HDEL', present, 'g:' .. me)
local online, again = settle()   -- before the hub listens: nobody is told of himself
hold(hub)
keep_day(conv, hubs, present)
return { 'OK', told(), online, again, now }
