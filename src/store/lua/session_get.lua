-- A session's metadata; never content. KEYS _conversation. Reply _session | {code}
--- include _conversation.lua
--- include _presence.lua
--- include _session.lua
local refused = alive()
if refused then return refused end
return session_answer(0)
