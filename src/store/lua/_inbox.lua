-- News for a hub: into its inbox, a list that it empties. After `call`. They stand in no append-only file and on no replica: an inbox may be lost (a hub whose
-- Redis went reads the logs again), and what was said is written once only.
local INBOX_MOST = 4096        -- news waiting for one hub; past it the hub reads the logs instead
local INBOX_MS = 60000

local function put(inbox, news)
  redis.set_repl(redis.REPL_NONE)
  local n = call('RPUSH', inbox, news)
  if n == 1 then
    call('PEXPIRE', inbox, INBOX_MS)
  elseif n > INBOX_MOST then
    call('DEL', inbox)
    call('RPUSH', inbox, '\no')
    call('PEXPIRE', inbox, INBOX_MS)
  end
  redis.set_repl(redis.REPL_ALL)
end
