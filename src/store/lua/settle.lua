-- Looks at who is here and tells readers what changed. ARGV 1 a hub known to be dead ('' none).
-- KEYS _conversation. Reply {OK, when to look again, length of the log} | {code}
--- include _conversation.lua
--- include _presence.lua
if ARGV[1] ~= '' then call('HDEL', hubs, ARGV[1]) end
if call('EXISTS', conv) == 0 then return missing() end
local _, again = settle()
return { 'OK', again, call('LLEN', log) }
