-- News for a hub: into its inbox, a list that it empties. After `call`.
local INBOX_MOST = 4096        -- news waiting for one hub; past it the hub reads the logs instead
local INBOX_MS = 60000

local function put(inbox, news)
  local n = call('RPUSH', inbox, news)
  if n == 1 then
    call('PEXPIRE', inbox, INBOX_MS)
  elseif n > INBOX_MOST then
    call('DEL', inbox)
    call('RPUSH', inbox, '\no')
    call('PEXPIRE', inbox, INBOX_MS)
  end
end
