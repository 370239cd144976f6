-- May what was kept of a conversation be read? Not when it was erased. KEYS _conversation; ARGV 1 createdAt of that life of it (0: the newest)
-- Reply {OK} | {GONE}
--- include _conversation.lua
local g = call('HMGET', gone, 'state', 'createdAt')
if g[1] == 'erased' and (ARGV[1] == '0' or ARGV[1] == g[2]) then return { 'GONE' } end
return { 'OK' }
