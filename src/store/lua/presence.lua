-- Who belongs here and who is here. KEYS _conversation; ARGV _participant.
-- Reply {OK, student, 'student', here, counselor or '', label, here} | {code}
--- include _conversation.lua
--- include _presence.lua
--- include _participant.lua
local refused = enter(0)
if refused then return refused end
local online = settle()
local here = {}
for _, who in ipairs(online) do here[who] = 1 end
local c = call('HMGET', conv, 'student', 'counselor')
local counselor = c[2] or ''
return { 'OK', c[1], 'student', here[c[1]] or 0, counselor, counselor ~= '' and label(counselor) or '', here[counselor] or 0 }
