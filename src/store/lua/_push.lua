-- Whom a push is for: ARGV 1 participant. Its place in the queue is a due time; while a worker has it, the end of that worker's claim.
local who = ARGV[1]
local member = id .. ' ' .. who

local function drop()
  call('ZREM', push, member)
  call('HDEL', present, 'n:' .. who)
end

-- A push that will not be sent: for the operator, without a word about whom.
local function dead_letter(why)
  local key = tag .. 'push:dead'
  call('HINCRBY', key, why, 1)
  call('HSET', key, 'at:' .. why, now_text)
end
