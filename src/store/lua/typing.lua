-- Tells the others that someone types, or has stopped; the latter is also the last word of a page that goes, and no sign of life.
-- KEYS _conversation; ARGV _participant, then 6 'true' or 'false'. Reply {OK} | {code}
--- include _conversation.lua
--- include _participant.lua
local refused = enter(1, ARGV[6] == 'false')
if refused then return refused end
if status ~= 'active' then return { 'SESSION_ENDED' } end
-- Nobody types thirty times in ten seconds: more is not passed on, or one client could fill the hubs' inboxes.
local window = math.floor(now / 10000)
local before, n = string.match(call('HGET', present, 't:' .. me) or '', '^(%d+) (%d+)$')
n = tonumber(before) == window and n + 1 or 1
call('HSET', present, 't:' .. me, window .. ' ' .. n)
if n > 30 then return { 'OK' } end
announce_passing('user:typing', me, '{"participant":"' .. me .. '","role":"' .. role .. '","isTyping":' .. ARGV[6] .. '}')
return { 'OK' }
