-- See _leave.lua. KEYS _conversation; ARGV _leave. Reply {OK, when to look at presence again}
--- include _conversation.lua
--- include _presence.lua
--- include _leave.lua
local expires = tonumber(call('HGET', conv, 'expiresAt') or nil)
if not expires then
  call('DEL', present)
  forget_hub()
  return { 'OK', 0 }
end
keep_key(present, expires)
local _, again = settle()
if ARGV[4] == '0' then forget_hub() end
return { 'OK', again }
