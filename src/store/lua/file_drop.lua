-- Takes back a file of one's own that was not sent. KEYS _conversation; ARGV _participant, then 6 file id.
-- Reply {OK, blob that nobody needs any more, or ''} | {CONFLICT}: sent; deleting the message does it | {code}
--- include _conversation.lua
--- include _participant.lua
--- include _files.lua
local refused = enter(1)
if refused then return refused end
local owner, with = file_of(ARGV[6])
if owner ~= me then return { 'NOT_FOUND' } end
if with ~= '0' then return { 'CONFLICT' } end
stands_in_file()   -- its name
return { 'OK', drop_file(ARGV[6]) or '' }
