-- What was committed to a lasting conversation reaches the hubs that hold its readers: in the log's order, each entry once.
-- KEYS _conversation; ARGV 1 position of the first entry  2 when it is not the next: '0' nothing is done; '1' begin here if it is not known up to where was told;
--   '2' begin here anyway  3 who did it, lines "participant role"  4 '1': it has too many people for feeds  5 … the entries as readers get them
-- Reply {OK, told up to (-1: not known), up to which entry all feeds have it, though it has too many people for that by now (0: nothing to heed)}: told up to lower than
--   what came before the first means that nothing was done and the caller must begin there. Field large of the conv hash keeps the latter, so that who tells again does the same.
--- include _conversation.lua
--- include _visit.lua
local from, begin = tonumber(ARGV[1]), ARGV[2]
local told = tonumber(call('HGET', conv, 'told') or nil)
if not told then
  if begin == '0' then return { 'OK', -1 } end
  told = from - 1
elseif told < from - 1 then
  if begin ~= '2' then return { 'OK', told } end
  told = from - 1
end
local last = from + #ARGV - 5
for position = told + 1, last do
  local entry = ARGV[5 + position - from]
  post(hubs, id .. '\nn\n' .. string.format('%d', position) .. '\n0\n' .. entry)
  local left = string.match(entry, '^s\n[^\n]*\n[^\n]*\nuser:left\n.*"participant":"([^"]+)"')
  if left then forget(left) end
end
local large = tonumber(call('HGET', conv, 'large') or nil)
if last > told then
  told = last
  call('HSET', conv, 'told', string.format('%d', told))
  if ARGV[4] ~= '1' then
    if large then call('HDEL', conv, 'large') end
    large = nil
  elseif not large then
    large = last
    call('HSET', conv, 'large', string.format('%d', large))
  end
  kept(conv, hubs)
end
for who, role in string.gmatch(ARGV[3], '(%S+) (%S+)') do visit(who, role) end
return { 'OK', told, large or 0 }
