-- See _leave.lua: the same of what lasts. KEYS _conversation; ARGV _leave. Reply {OK, when to look at presence again}
--- include _conversation.lua
--- include _presence.lua
--- include _lasting.lua
--- include _leave.lua
keep_day(present)
local _, again = settle()
if ARGV[4] == '0' then forget_hub() end
return { 'OK', again }
