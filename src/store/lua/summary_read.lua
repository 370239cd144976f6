-- A page of messages that still have their text, from the newest to the oldest, for a summary.
-- KEYS _conversation; ARGV 1 only entries before this position (0: all)  2 entries at most  3 bytes at most
-- Reply {OK, log state, messages in all, where to go on (0: nothing is left), position, entry, position, entry …} | {GONE} | {NOT_FOUND}
--- include _conversation.lua
--- include _summary.lua
local c = call('HMGET', conv, 'expiresAt', 'messages', 'deleted')
if not c[1] then return missing() end
if tonumber(c[1]) <= now then return { 'GONE' } end
local STEP = 32
local last, most, room = tonumber(ARGV[1]) - 1, tonumber(ARGV[2]), tonumber(ARGV[3])
if last < 0 then last = call('LLEN', log) end
local reply, n = { 'OK', log_state(), (tonumber(c[2]) or 0) - (tonumber(c[3]) or 0), 0 }, 0
while last >= 1 do
  local first = math.max(1, last - STEP + 1)
  local entries = call('LRANGE', log, first - 1, last - 1)
  for i = #entries, 1, -1 do
    local entry = entries[i]
    if string.byte(entry) == 109 and string.match(entry, '\n([^\n]*)\n[^\n]*$') == '' then
      if n >= most or (n > 0 and room < #entry) then
        reply[4] = first + i
        return reply
      end
      n, room = n + 1, room - #entry
      reply[#reply + 1] = first + i - 1
      reply[#reply + 1] = entry
    end
  end
  last = first - 1
end
return reply
