-- A feed after a position, for a hub that missed news or has more to catch up with. The cursor must still hold.
-- KEYS _conversation, of "@<user>"; ARGV 1 position  2 check  3 entries at most
-- Reply {OK, length, {entries}} | {CONFLICT}: the cursor does not hold any more
--- include _conversation.lua
--- include _lasting.lua
--- include _feed.lua
local from, length = tonumber(ARGV[1]), feed_length()
if from > length or feed_mark(from) ~= ARGV[2] then return { 'CONFLICT' } end
return { 'OK', length, feed_after(from, tonumber(ARGV[3])) }
