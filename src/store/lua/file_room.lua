-- May this one upload so many bytes now? KEYS _conversation; ARGV _participant, then 6 bytes  7 bytes of all files, most  8 files, most  9 files of one's own
-- that are not sent, most  10 files one may upload, 0 any number  11 in ms. Reply {OK, salt} | {TOO_LARGE}: the session holds what it may
-- | {CONFLICT}: too many wait to be sent | {RATE_LIMITED, ms} | {code}
--- include _conversation.lua
--- include _participant.lua
--- include _files.lua
local refused = enter(1)
if refused then return refused end
if status ~= 'active' then return { 'SESSION_ENDED' } end
refused = files_full(tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]))
if refused then return refused end
local most, window = tonumber(ARGV[10]), tonumber(ARGV[11])
if most > 0 then
  local since, n = string.match(call('HGET', conv, 'uploads:' .. me) or '0 0', '^(%d+) (%d+)$')
  -- One that begins in the future is from before Redis' clock jumped back, and would last as much longer.
  if now - since >= window or now < tonumber(since) then since, n = now_text, 0 end
  if tonumber(n) >= most then return { 'RATE_LIMITED', since + window - now } end
  call('HSET', conv, 'uploads:' .. me, since .. ' ' .. string.format('%d', n + 1))
end
return { 'OK', c[SALT] }
