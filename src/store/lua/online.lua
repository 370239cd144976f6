-- Who of these people is online: as _presence.lua reads the signs at each one's own place, @<id>; or at a conversation's.
-- KEYS 1 any key of the bucket, for its tag; ARGV 1 ids, a line each  2 the conversation's place (=<id>), '' each one's own
-- Reply {OK, a text of '1' (here) and '0', one for each id in order}
local call = redis.call
local tag = string.match(KEYS[1], '^{[^}]*}:')
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local present
--- include _presence.lua
local here = {}
for who in string.gmatch(ARGV[1], '[^\n]+') do
  present = tag .. 'conv:' .. (ARGV[2] ~= '' and ARGV[2] or '@' .. who) .. ':present'
  local p = signs()[who]
  here[#here + 1] = p and is_here(p) and '1' or '0'
end
return { 'OK', table.concat(here) }
