-- A request that nobody settled in its time was given up, in SQL: its counselor's desk learns of it, and readers while the session lives. What is
-- left of it here goes; one that was made since stays.
-- KEYS _conversation; ARGV 1 counselor  2 which request: at. Reply {OK}
--- include _conversation.lua
--- include _summary.lua
local at = call('HGET', job, 'at')
if at == ARGV[2] then
  call('ZREM', queue, id)
  call('DEL', job, copy)
end
if not at or at == ARGV[2] then post(tag .. 'desk:' .. ARGV[1] .. ':hubs', id .. '\ny\n' .. ARGV[1] .. '\nfailed\n' .. now_text) end
local c = call('HMGET', conv, 'summaryAt', 'summary', 'expiresAt')
if c[1] == ARGV[2] and c[2] == 'requested' and tonumber(c[3]) > now then
  call('HSET', conv, 'summary', 'failed')
  announce_passing('summary:failed', '', '{"at":' .. now_text .. ',"why":"ABANDONED"}')
end
return { 'OK' }
