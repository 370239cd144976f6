-- May this one upload so many bytes now? KEYS _conversation; ARGV _participant, then 6 bytes  7 bytes of all files, most  8 files, most  9 files of one's own
-- that are not sent, most. Reply {OK, salt} | {TOO_LARGE}: the session holds what it may | {CONFLICT}: too many wait to be sent | {code}
--- include _conversation.lua
--- include _participant.lua
--- include _files.lua
local refused = enter(1)
if refused then return refused end
if status ~= 'active' then return { 'SESSION_ENDED' } end
return files_full(tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])) or { 'OK', c[SALT] }
