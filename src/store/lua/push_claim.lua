-- Judges a push that is due, and claims it for a while when it is to be sent (design §9). A claim that nobody finishes lapses, and is judged anew.
-- The first claim since the participant went away tells MainServer that messages wait.
-- KEYS _conversation; ARGV 1 participant  2 lease ms
-- Reply {OK, 'claimed', claim, side, device ('' none given here), ms the session has left, how often it failed}
--   | {OK, 'taken'} not due: somebody else was faster | {OK, 'dropped'} nothing to tell any more | {OK, 'later'} it is here, and has not got it yet
--- include _conversation.lua
--- include _presence.lua
--- include _push.lua
local LOOK_AGAIN_MS = 10000
local CHUNK = 8                -- entries read at once: 16 KB each at most

local due_at = call('ZSCORE', push, member)
if not due_at or tonumber(due_at) > now then return { 'OK', 'taken' } end

local c = call('HMGET', conv, 'expiresAt', 'status', 'student', 'counselor')

-- Is there a message of the other side that it neither got nor its own side answered (who had its place before counts)? A deleted one is none.
local function waiting()
  local seen = math.max(tonumber(call('HGET', read, who) or 0), tonumber(call('HGET', delivered, who) or 0), tonumber(call('HGET', present, 'c:' .. who) or 0))
  local last = call('LLEN', log)
  while last > seen do
    local first = math.max(seen + 1, last - CHUNK + 1)
    local entries = call('LRANGE', log, first - 1, last - 1)
    for i = #entries, 1, -1 do
      if string.byte(entries[i]) == 109 then
        local of_student = string.match(entries[i], '^m\n[^\n]*\n[^\n]*\n([^\n]*)') == c[3]
        if of_student == (who == c[3]) then return false end
        if string.match(entries[i], '\n([^\n]*)\n[^\n]*$') == '' then return true end
      end
    end
    last = first - 1
  end
  return false
end

local expires = tonumber(c[1] or 0)
if expires <= now or c[2] ~= 'active' or (c[3] ~= who and c[4] ~= who) or not waiting() then
  drop()
  return { 'OK', 'dropped' }
end
for _, here in ipairs((settle())) do
  if here == who then
    call('ZADD', push, now + LOOK_AGAIN_MS, member)
    return { 'OK', 'later' }
  end
end

local told = call('HGET', present, 'o:' .. who)
if told == 'p' then
  drop()
  return { 'OK', 'dropped' }
end
if told ~= 'w' and told ~= 'n' then
  tell('waiting', label(who), expires)
  call('HDEL', present, 'n:' .. who)
end
call('HSET', present, 'o:' .. who, 'w')
keep_key(present, expires)
local claim = now + ARGV[2]
call('ZADD', push, claim, member)
return { 'OK', 'claimed', claim, c[3] == who and 'student' or 'counselor', call('HGET', device, who) or '', expires - now, tonumber(call('HGET', present, 'n:' .. who) or 0) }
