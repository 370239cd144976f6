-- The bookkeeping of a conversation is done. KEYS _conversation; ARGV 1 its goneAt, 0 when not even a stub was left. Reply {OK} | {CONFLICT}: another life began
--- include _conversation.lua
if call('EXISTS', conv) == 1 or tonumber(call('HGET', gone, 'goneAt') or 0) ~= tonumber(ARGV[1]) then return { 'CONFLICT' } end
call('ZREM', due, id)
return { 'OK' }
