-- A lasting conversation was erased: its readers' streams end, and nothing of it stays. KEYS _conversation; ARGV 1 when. Reply {OK}
--- include _conversation.lua
post(hubs, id .. '\nx\nerased\n' .. ARGV[1])
call('DEL', conv, log, sent, hubs, present, read, delivered, device)
return { 'OK' }
