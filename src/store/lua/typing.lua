-- Tells the others that someone types, or has stopped.
-- KEYS _conversation; ARGV _participant, then 6 'true' or 'false'. Reply {OK} | {code}
--- include _conversation.lua
--- include _participant.lua
local refused = enter(1)
if refused then return refused end
if status ~= 'active' then return { 'SESSION_ENDED' } end
announce_passing('user:typing', me, '{"participant":"' .. me .. '","role":"' .. role .. '","isTyping":' .. ARGV[6] .. '}')
return { 'OK' }
