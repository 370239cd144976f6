-- What became of a conversation that is due: erases it when its deadline has passed. Until due_done it comes back each 5 s, so that whoever dies over
-- its bookkeeping is replaced, and the ones behind it get their turn.
-- KEYS _conversation. Reply {OK, 'alive'}: the deadline has moved
--   | {OK, 'gone', 'erased' or 'expired', createdAt, goneAt, messages, expiresAt, endedAt (0: never), ttl, id of the HTTP request that erased it ('' none)}
--       messages -1: the keys went by their TTL before anybody counted; then expiresAt is behind by a minute at most, and endedAt not known
--   | {OK, 'none', when it was due}: not even a stub is left
--- include _conversation.lua
--- include _erase.lua
local expires = call('HGET', conv, 'expiresAt')
local score = call('ZSCORE', due, id)
if not score then return { 'OK', 'alive' } end   -- somebody else has done it
if expires then
  if tonumber(expires) > now then
    call('ZADD', due, expires, id)
    return { 'OK', 'alive' }
  end
  erase('expired', 'deadline')
end
call('ZADD', due, now + 5000, id)
local g = call('HMGET', gone, 'state', 'createdAt', 'goneAt', 'messages', 'expiresAt', 'endedAt', 'ttl', 'request')
if not g[1] then return { 'OK', 'none', math.floor(tonumber(score)) } end
if g[1] == 'open' then   -- nobody looked for two minutes, and the keys went by their TTL
  g[1], g[3] = 'expired', now_text
  call('HSET', gone, 'state', g[1], 'goneAt', g[3])
  call('PEXPIRE', gone, GONE_MS)
  note('expired', 'deadline', 0)
end
return { 'OK', 'gone', g[1], tonumber(g[2]), tonumber(g[3]), tonumber(g[4] or -1), tonumber(g[5] or g[3]), tonumber(g[6] or 0), tonumber(g[7] or 0),
  g[8] or '' }
