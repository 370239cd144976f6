-- Whoever speaks or reads: ARGV 1 participant, 2 side, 3 role label, 4 acts of the ticket, 5 twenty-four random hex digits,
-- and behind them the id of the HTTP request ('' none).
local me, side, role, my_acts = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local check, spare_check = string.sub(ARGV[5], 1, 12), string.sub(ARGV[5], 13, 24)
local request = string.sub(ARGV[5], 25)
local other_side = side == 'student' and 'counselor' or 'student'
local expires, status
local c            -- the conversation's fields, in the order of enter(); everything a send needs comes in one call
local OTHER, TTL, KEPT, SALT, MESSAGES, RATE, DESKED = 6, 7, 8, 9, 10, 11, 12
local my_told      -- what was told of this one before this visit, and
local other_told   -- what was told of the other one (_presence.lua, o:)

-- Loads the conversation and checks that the ticket's holder sits on that side of it, and may do all of acts (0: just be there).
-- Returns an answer to give instead, or nil. On the first entrance readers learn of it. Every visit is a sign of life, but for one that is quiet.
local function enter(acts, quiet)
  c = call('HMGET', conv, 'expiresAt', 'status', side, 'acts:' .. side, 'in:' .. side, other_side, 'ttl', 'keptFor', 'salt', 'messages', 'rate:' .. me,
    'desked')
  if not c[1] then return missing() end
  expires, status = tonumber(c[1]), c[2]
  if expires <= now then return { 'GONE' } end
  if c[3] ~= me then return { 'NOT_FOUND' } end
  watched = c[DESKED] == '1' and (side == 'counselor' and me or c[OTHER])
  if acts > 0 and bit.band(acts, bit.band(my_acts, tonumber(c[4]))) ~= acts then return { 'FORBIDDEN' } end
  if quiet then return nil end
  local signs = call('HMGET', present, 'l:' .. me, 'o:' .. me, 'o:' .. (c[OTHER] or ''))
  my_told, other_told = signs[2], signs[3]
  if not signs[1] then
    call('HSET', present, 'l:' .. me, now)
    keep_key(present, expires)
  elseif now - signs[1] > 1000 then
    call('HSET', present, 'l:' .. me, now)
  end
  if signs[2] ~= '1' then
    arrived(me, signs[2])
    announce_passing('presence', '', '{"participant":"' .. me .. '","role":"' .. role .. '","online":true,"at":' .. now .. '}')
  end
  if not c[5] and status == 'active' then
    call('HSET', conv, 'in:' .. side, role)
    append_event(spare_check, 'user:joined', '{"participant":"' .. me .. '","role":"' .. role .. '","at":' .. now .. '}', expires)
    note('joined', side, 0)
    tell('joined', role, expires, request)
  end
  return nil
end

-- A participant's messages per time, two windows each beginning with its first message. Returns ms to wait, or nil and what is to be
-- kept in the conversation's field rate:<participant>: "window's begin, count, the same of the burst", and ' k' if its client ids' key has a TTL (send.lua).
local function throttle(most, window_ms, burst, burst_ms)
  local s, n, t, m, kept = string.match(c[RATE] or '0 0 0 0', '^(%d+) (%d+) (%d+) (%d+)(.*)$')
  local in_s, in_t = now - s, now - t
  -- One that begins in the future is from before Redis' clock jumped back, and would last as much longer.
  if in_s >= window_ms or in_s < 0 then s, n = now_text, 0 end
  if in_t >= burst_ms or in_t < 0 then t, m = now_text, 0 end
  n, m = n + 1, m + 1
  if most > 0 and n > most then return window_ms - in_s end
  if burst > 0 and m > burst then return burst_ms - in_t end
  return nil, string.format('%s %d %s %d%s', s, n, t, m, kept)
end

-- Activity: the deadline moves, and more fields of the conversation change with it. Returns the deadline as text.
local function slide(...)
  expires = now + c[TTL]
  local text = string.format('%d', expires)
  call('HSET', conv, 'expiresAt', text, 'lastActivityAt', now_text, ...)
  local kept = tonumber(c[KEPT])
  if expires - kept >= SLACK or expires < kept then keep(expires) end
  return text
end
