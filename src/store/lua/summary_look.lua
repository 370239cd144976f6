-- May what was kept of a conversation be read? Not when it was erased before its deadline. KEYS _conversation. Reply {OK} | {GONE}
--- include _conversation.lua
if call('HGET', gone, 'state') == 'erased' then return { 'GONE' } end
return { 'OK' }
