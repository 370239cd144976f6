-- Read and delivered marks (only ever forward; read is delivered too), and proof of life.
-- KEYS _conversation; ARGV _participant, then 6 'read', 'delivered' or 'life'  7 position  8 check ('' = a message's id, taken on trust)
--   9 '1': this client says alive regularly
-- Reply {OK} | {BAD_REQUEST} for a position beyond the end or a check that does not hold | {code}
--- include _conversation.lua
--- include _participant.lua
local refused = enter(0)
if refused then return refused end
local function forward(key, name, position)
  if position <= tonumber(call('HGET', key, me) or 0) then return end
  call('HSET', key, me, position)
  keep_key(key, expires)
  announce_passing('receipt:' .. name, '', '{"participant":"' .. me .. '","upTo":' .. position .. ',"at":' .. now .. '}')
end
local position
if ARGV[6] ~= 'life' then
  position = tonumber(ARGV[7])
  if position > call('LLEN', log) or (ARGV[8] ~= '' and not cursor_holds(position, ARGV[8])) then return { 'BAD_REQUEST' } end
end
if ARGV[9] == '1' then call('HSET', present, 'a:' .. me, 1, 'l:' .. me, now) end
if position and position > 0 then
  forward(delivered, 'delivered', position)
  if ARGV[6] == 'read' then forward(read, 'read', position) end
end
return { 'OK' }
