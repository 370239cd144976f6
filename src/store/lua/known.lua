-- Is that life of a session known here, living, erased, or waiting for its bookkeeping? KEYS _conversation; ARGV 1 createdAt. Reply {OK, 1 or 0}
--- include _conversation.lua
local living, dead = call('HGET', conv, 'createdAt'), call('HGET', gone, 'createdAt')
if living == ARGV[1] or dead == ARGV[1] then return { 'OK', 1 } end
if not living and not dead and call('ZSCORE', due, id) then return { 'OK', 1 } end
return { 'OK', 0 }
