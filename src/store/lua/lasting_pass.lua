-- What passes in a lasting conversation: typing, marks; and that somebody is there (who types no more may be about to go). Who may was looked up in SQL.
-- KEYS _conversation; ARGV 1 participant  2 role  3 '1': this client says alive regularly  4 event ('' none)  5 not for this one ('' for all)  6 data
--   7 as 4 …: more of them. Reply {OK}
--- include _conversation.lua
--- include _visit.lua
local me, role = ARGV[1], ARGV[2]
if ARGV[3] == '1' then call('HSET', present, 'a:' .. me, 1, 'l:' .. me, now_text) end
if ARGV[4] ~= 'user:typing' or not string.find(ARGV[6], '"isTyping":false', 1, true) then visit(me, role) end
for i = 4, #ARGV, 3 do
  local event = ARGV[i]
  if event == 'user:typing' then
    -- Nobody types thirty times in ten seconds: more is not passed on, or one client could fill the hubs' inboxes.
    local window = math.floor(now / 10000)
    local before, n = string.match(call('HGET', present, 't:' .. me) or '', '^(%d+) (%d+)$')
    n = tonumber(before) == window and n + 1 or 1
    call('HSET', present, 't:' .. me, window .. ' ' .. n)
    if n > 30 then return { 'OK' } end
  end
  if event ~= '' then announce_passing(event, ARGV[i + 1], ARGV[i + 2]) end
end
return { 'OK' }
