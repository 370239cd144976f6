-- Looks at who is here and tells readers what changed. KEYS _conversation; ARGV 1 a hub known to be dead ('' none)  2 a hub that holds readers ('' none)
-- Reply {OK, when to look again, length of the log, 1 when Redis has forgotten that this hub holds readers} | {code}
--- include _conversation.lua
--- include _presence.lua
if ARGV[1] ~= '' then call('HDEL', hubs, ARGV[1]) end
if call('EXISTS', conv) == 0 then return missing() end
local forgotten = ARGV[2] ~= '' and call('EXISTS', tag .. 'hub:' .. ARGV[2]) == 1 and call('HEXISTS', hubs, ARGV[2]) == 0
local _, again = settle()
return { 'OK', again, call('LLEN', log), forgotten and 1 or 0 }
