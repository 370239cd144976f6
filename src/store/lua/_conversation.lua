-- What every script of a conversation begins with. KEYS, in this order (store/keys.c):
--   1 conv  2 log  3 sent  4 hubs  5 present  6 read  7 delivered  8 device  9 gone  10 due  11 push  12 audit
-- An entry of the log is lines (content is JSON, so it holds no raw line end):
--   m check at sender role refs content metadata editedAt deletedAt edits     a message (refs: JSON members type, clientId, replyTo, threadId)
--   e check at position                                                       a marker: that message was edited
--   d check at position                                                       a marker: that message was deleted
--   s check at event data                                                     anything else, data being JSON
-- What hubs find in their inbox (news), also lines:
--   id n position expiresAt entry      an entry; a marker is followed by the marked entry as it is now
--   id p event author data             a passing event, not for its author ('' = for all)
--   id x state at                      erased or expired: everything about it is void
--   id k participant                   that one has no place here any more
--   id l counselor                     something about it changed: look at it, for that counselor's desk (desk_look.lua)
--   id y counselor state at            its summary is 'ready' or 'failed', for that counselor's desk (summary_done.lua)
--   '' o                               the inbox overflowed: read everything again
--   id v                               that login is over (login_revoke.lua)
local call = redis.call
local conv, log, sent, hubs, present, read, delivered, device, gone, due, push, audit = unpack(KEYS)
local time = call('TIME')
local now_text = time[1] .. string.sub('00000' .. time[2], -6, -4)   -- as text too: formatting numbers is what costs most in these scripts
local now = tonumber(now_text)
local tag = string.match(conv, '^{[^}]*}:')
local id = string.sub(conv, #tag + 6)

local BACKSTOP = 120000        -- keys outlive the deadline by this much (design §8) at most
local SLACK = 60000            -- and by this much at least: TTLs are set anew only when the deadline has moved by so much
local GONE_MS = 26 * 3600000   -- a dead session's id answers 410 for so long (design §6)
local AUDIT_MOST = 100000      -- items nobody fetched, some more at times: trimmed by the thousand

--- include _inbox.lua

-- Into the inbox of each hub that the hash at key names. Returns how many.
local function post(key_of_hubs, news)
  local heard = 0
  for _, hub in ipairs(call('HKEYS', key_of_hubs)) do
    local key = tag .. 'hub:' .. hub
    if call('EXISTS', key) == 1 then
      put(key .. ':inbox', news)
      heard = heard + 1
    else
      call('HDEL', key_of_hubs, hub)
    end
  end
  return heard
end

-- Whose desk looks on. nil: not read yet (field desked of the conv hash); false: nobody's, or told already. Hubs look when a script is over, so once is enough.
local watched

local function tell_desk(counselor)
  return post(tag .. 'desk:' .. counselor .. ':hubs', id .. '\nl\n' .. counselor)
end

local function announce(news)
  post(hubs, news)
  if watched == nil then
    local c = call('HMGET', conv, 'desked', 'counselor')
    watched = c[1] == '1' and c[2]
  end
  if watched then
    if tell_desk(watched) == 0 then call('HSET', conv, 'desked', 0) end
    watched = false
  end
end

local function announce_passing(event, author, data)
  local news = id .. '\np\n' .. event .. '\n' .. author .. '\n' .. data
  if event == 'user:typing' or event == 'receipt:delivered' then post(hubs, news) else announce(news) end   -- no desk shows these
end

-- Puts the conversation on a desk ('' none), and keeps the list for as long as what stands on it.
local function put_on_desk(counselor, deadline)
  if not counselor or counselor == '' then return end
  local key = tag .. 'desk:' .. counselor
  call('SADD', key, id)
  if call('PTTL', key) < 0 then
    call('PEXPIREAT', key, deadline + BACKSTOP)
  else
    call('PEXPIREAT', key, deadline + BACKSTOP, 'GT')
  end
end

local function take_off_desk(counselor)
  if not counselor or counselor == '' then return end
  call('SREM', tag .. 'desk:' .. counselor, id)
  tell_desk(counselor)
  watched = false
end

-- Beside put_on_desk, when somebody gets a conversation: is that desk open somewhere?
local function show_on_desk(counselor)
  call('HSET', conv, 'desked', tell_desk(counselor) > 0 and 1 or 0)
  watched = false
end

-- TTLs of all keys, and the bookkeeping's worklist, for this deadline.
local function keep(deadline)
  local at = deadline + BACKSTOP
  for i = 1, 8 do call('PEXPIREAT', KEYS[i], at) end
  call('PEXPIREAT', conv .. ':files', at)
  call('PEXPIREAT', gone, deadline + GONE_MS)
  call('ZADD', due, deadline, id)
  call('HSET', conv, 'keptFor', deadline)
  call('HSET', gone, 'expiresAt', deadline)
  put_on_desk(call('HGET', conv, 'counselor'), deadline)
end

-- After the first write to a key that keep() did not see yet.
local function keep_key(key, deadline)
  if call('PTTL', key) < 0 then call('PEXPIREAT', key, deadline + BACKSTOP) end
end

-- Readers learn that this one is here. What was told of it meanwhile (_presence.lua, o:) is over, and so is waiting for a device of its.
local function arrived(who, told)
  call('HSET', present, 'o:' .. who, 1)
  if told == 'n' then call('ZREM', push, id .. ' ' .. who) end
end

local function missing()
  if call('EXISTS', gone) == 1 then return { 'GONE' } end
  return { 'NOT_FOUND' }
end

local function note(what, side, position)
  if call('RPUSH', audit, now_text .. ' ' .. what .. ' ' .. id .. ' ' .. side .. ' ' .. position) > AUDIT_MOST + 1000 then
    call('LTRIM', audit, -AUDIT_MOST, -1)
    call('SET', tag .. 'audit:cut', now_text)   -- what happened before is not known in full (the bookkeeping asks)
  end
end

-- What MainServer is to be told, carried on by the worker. role: who did it; request: by which HTTP request ('' or nil: by none).
local function tell(what, role, expires, request)
  local queue = tag .. 'events'
  local item = now_text .. ' ' .. what .. ' ' .. id .. ' ' .. role .. ' ' .. call('HGET', conv, 'createdAt') .. ' ' .. expires
  if request and request ~= '' then item = item .. ' ' .. request end
  if call('RPUSH', queue, item) > AUDIT_MOST + 1000 then call('LTRIM', queue, -AUDIT_MOST, -1) end
end

-- What was just overwritten or deleted stands in Redis's append-only file until the worker has that rewritten (worker/aof.h).
local function stands_in_file()
  call('INCR', tag .. 'aof:dirty')
  call('PEXPIRE', tag .. 'aof:dirty', 86400000)
end

-- An entry and what hubs are told of it. Returns its position.
local function append_event(check, event, data, expires)
  local entry = 's\n' .. check .. '\n' .. now_text .. '\n' .. event .. '\n' .. data
  local position = call('RPUSH', log, entry)
  if position == 1 then keep_key(log, expires) end
  announce(id .. '\nn\n' .. position .. '\n' .. expires .. '\n' .. entry)
  return position
end

-- The entry as readers get it: markers are followed by the marked entry as it is now.
local function expanded(entry)
  local kind = string.byte(entry)
  if kind == 101 or kind == 100 then
    local position = string.match(entry, '^.\n[^\n]*\n[^\n]*\n(%d+)')
    return entry .. '\n' .. (call('LINDEX', log, position - 1) or '')
  end
  return entry
end

-- Does the entry at position carry that check? Position 0 carries the log's birth mark.
local function cursor_holds(position, check)
  if position == 0 then return call('HGET', conv, 'birth') == check end
  local entry = call('LINDEX', log, position - 1)
  return entry and string.sub(entry, 3, 14) == check
end

local function end_check(length)
  if length == 0 then return call('HGET', conv, 'birth') end
  return string.sub(call('LINDEX', log, -1), 3, 14)
end
