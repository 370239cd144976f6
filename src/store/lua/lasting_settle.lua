-- Looks at who is here and tells readers what changed. KEYS _conversation; ARGV 1 a hub known to be dead ('' none)  2 a hub that holds readers ('' none)
-- Reply {OK, when to look again, announced up to (0: nobody knows; a feed's length), 1 when Redis had forgotten that this hub holds readers}
--- include _conversation.lua
--- include _presence.lua
--- include _lasting.lua
--- include _feed.lua
if ARGV[1] ~= '' then call('HDEL', hubs, ARGV[1]) end
local forgotten = 0
if ARGV[2] ~= '' and call('EXISTS', tag .. 'hub:' .. ARGV[2]) == 1 and hold(ARGV[2]) then forgotten = 1 end
local _, again = settle()
keep_day(conv, log, hubs, present)
local feed = string.sub(id, 1, 1) == '@'
return { 'OK', again, feed and feed_length() or math.max(told(), 0), forgotten }
