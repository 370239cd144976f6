-- Who is here of a lasting conversation. KEYS _conversation; ARGV 1 participant  2 role of the one who asks. Reply {OK, {online}}
--- include _conversation.lua
--- include _presence.lua
--- include _visit.lua
visit(ARGV[1], ARGV[2])
local online = settle()
return { 'OK', online }
