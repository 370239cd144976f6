-- What concerns one person's feed ("@<person>") and passes: a count of unread, what one muted. And that this person is there.
-- KEYS _conversation; ARGV 1 participant  2 event ('' none)  3 data. Reply {OK}
--- include _conversation.lua
call('HSET', present, 'l:' .. ARGV[1], now_text)
call('PEXPIRE', present, 86400000)
if ARGV[2] ~= '' then post(hubs, id .. '\np\n' .. ARGV[2] .. '\n\n' .. ARGV[3]) end
return { 'OK' }
