-- Whoever speaks or reads: ARGV 1 participant, 2 side, 3 role label, 4 acts of the ticket, 5 twenty-four random hex digits.
local me, side, role, my_acts = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local check, spare_check = string.sub(ARGV[5], 1, 12), string.sub(ARGV[5], 13, 24)
local expires, status

-- Loads the conversation and checks that the ticket's holder sits on that side of it, and may do all of acts (0: just be there).
-- Returns an answer to give instead, or nil. On the first entrance readers learn of it. Every visit is a sign of life.
local function enter(acts)
  local c = call('HMGET', conv, 'expiresAt', 'status', side, 'acts:' .. side, 'in:' .. side)
  if not c[1] then return missing() end
  expires, status = tonumber(c[1]), c[2]
  if expires <= now then return { 'GONE' } end
  if c[3] ~= me then return { 'NOT_FOUND' } end
  if acts > 0 and bit.band(acts, bit.band(my_acts, tonumber(c[4]))) ~= acts then return { 'FORBIDDEN' } end
  local signs = call('HMGET', present, 'l:' .. me, 'o:' .. me)
  if not signs[1] then
    call('HSET', present, 'l:' .. me, now)
    keep_key(present, expires)
  elseif now - signs[1] > 1000 then
    call('HSET', present, 'l:' .. me, now)
  end
  if not signs[2] then
    call('HSET', present, 'o:' .. me, 1)
    announce_passing('presence', '', '{"participant":"' .. me .. '","role":"' .. role .. '","online":true,"at":' .. now .. '}')
  end
  if not c[5] and status == 'active' then
    call('HSET', conv, 'in:' .. side, role)
    append_event(spare_check, 'user:joined', '{"participant":"' .. me .. '","role":"' .. role .. '","at":' .. now .. '}', expires)
    note('joined', side, 0)
  end
  return nil
end

-- A participant's messages per time, two windows each beginning with its first message. Returns nil, or ms to wait.
local function throttled(most, window_ms, burst, burst_ms)
  if most == 0 and burst == 0 then return nil end
  local s, n, t, m = string.match(call('HGET', rate, me) or '', '^(%d+) (%d+) (%d+) (%d+)$')
  s, n, t, m = tonumber(s) or 0, tonumber(n) or 0, tonumber(t) or 0, tonumber(m) or 0
  if now - s >= window_ms then s, n = now, 0 end
  if now - t >= burst_ms then t, m = now, 0 end
  if most > 0 and n >= most then return s + window_ms - now end
  if burst > 0 and m >= burst then return t + burst_ms - now end
  if call('HSET', rate, me, s .. ' ' .. n + 1 .. ' ' .. t .. ' ' .. m + 1) == 1 then keep_key(rate, expires) end
  return nil
end

-- Activity: the deadline moves.
local function slide()
  local c = call('HMGET', conv, 'ttl', 'keptFor')
  expires = now + c[1]
  call('HSET', conv, 'expiresAt', expires, 'lastActivityAt', now)
  if expires - c[2] >= SLACK or expires < tonumber(c[2]) then keep(expires) end
end
