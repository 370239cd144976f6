-- Is that life of a session known here, living, erased, or waiting for its bookkeeping? It is asked of one that the ledger calls open: over, and off the
-- list, it is on the list again. That ledger is older than its bookkeeping (a database put back).
-- KEYS _conversation; ARGV 1 createdAt. Reply {OK, 1 or 0}
--- include _conversation.lua
local living, dead = call('HGET', conv, 'createdAt'), call('HGET', gone, 'createdAt')
if living == ARGV[1] then return { 'OK', 1 } end
if dead == ARGV[1] then
  if not living then call('ZADD', due, 'NX', now_text, id) end
  return { 'OK', 1 }
end
if not living and not dead and call('ZSCORE', due, id) then return { 'OK', 1 } end
return { 'OK', 0 }
