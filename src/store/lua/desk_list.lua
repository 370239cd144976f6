-- Which conversations are on a counselor's desk, in this bucket; those that are not any more are taken off. A hub that asks is told from now on to look
-- at what changes (news l of _conversation.lua).
-- KEYS 1 {b}:desk:<counselor>  2 {b}:desk:<counselor>:hubs; ARGV 1 counselor  2 hub ('' just looks)  3 ms that the hub's wish is kept  4 ids at most
-- Reply {OK, conversation id …} | {NO_LEASE}
local call = redis.call
local tag = string.match(KEYS[1], '^{[^}]*}:')
local hub = ARGV[2]
if hub ~= '' then
  if call('EXISTS', tag .. 'hub:' .. hub) == 0 then return { 'NO_LEASE' } end
  call('HSET', KEYS[2], hub, 1)
  call('PEXPIRE', KEYS[2], ARGV[3])
end
local reply = { 'OK' }
for _, id in ipairs(call('SMEMBERS', KEYS[1])) do
  local conv = tag .. 'conv:' .. id
  local c = call('HMGET', conv, 'counselor', 'desked')
  if c[1] ~= ARGV[1] then
    call('SREM', KEYS[1], id)
  elseif #reply <= tonumber(ARGV[4]) then
    if hub ~= '' and c[2] ~= '1' then call('HSET', conv, 'desked', 1) end
    reply[#reply + 1] = id
  end
end
return reply
