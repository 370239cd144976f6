-- The log after a position, for a hub that missed news or has more to catch up with. The cursor must still hold.
-- KEYS _conversation; ARGV 1 position  2 check  3 entries at most  4 bytes at most  5 participant  6 side
-- Reply {OK, expiresAt, length, {entries}} | {CONFLICT}: the cursor does not hold any more | {code}
--- include _conversation.lua
--- include _after.lua
local c = call('HMGET', conv, 'expiresAt', ARGV[6])
local expires = tonumber(c[1] or nil)
if not expires then return missing() end
if expires <= now then return { 'GONE' } end
if c[2] ~= ARGV[5] then return { 'NOT_FOUND' } end   -- the news of that may be among what was missed
local from, length, room = tonumber(ARGV[1]), call('LLEN', log), tonumber(ARGV[4])
if from > length or not cursor_holds(from, ARGV[2]) then return { 'CONFLICT' } end
return { 'OK', expires, length, entries_after(from, length, tonumber(ARGV[3]), room) }
