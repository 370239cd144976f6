-- The summary of a conversation as it is asked for and written (job `summary` of the worker). A request is
--   a member of {b}:summary         score: when it is looked at; a claim is a score ahead, and lapses
--   {b}:summary:<id>                hash: at (when asked), createdAt (of the session), counselor, caseRef, tries, of (what the copy knows),
--                                   request (whose id MainServer is told), refused (the consent was taken back: this outlives the session)
--   {b}:summary:<id>:copy           the sealed log, an hour after the request at most
-- What the conv hash says: summary 'requested', 'ready' or 'failed'; summaryAt, of which request; summaryOf, what it knew; consent 0 or 1;
-- amended, the place of the last edit or deletion.
local queue, job, copy = tag .. 'summary', tag .. 'summary:' .. id, tag .. 'summary:' .. id .. ':copy'
local HOUR = 3600000

-- How far the log has come, for summaries: its last message, its last edit or deletion.
local function log_state()
  local c = call('HMGET', conv, 'lastMessage', 'amended')
  return (c[1] or '0') .. ' ' .. (c[2] or '0')
end

-- Nil, or why there is to be none: 'off', 'consent', 'empty' (nothing was said).
local function summary_refused()
  local c = call('HMGET', conv, 'summaries', 'consent', 'messages', 'deleted')
  if c[1] == 'off' then return 'off' end
  if c[1] == 'consent' and c[2] ~= '1' then return 'consent' end
  if (tonumber(c[3]) or 0) - (tonumber(c[4]) or 0) <= 0 then return 'empty' end
end

-- Was the student's consent taken back, or never given? Of one that is over the request knows.
local function refused_by_student()
  local c = call('HMGET', conv, 'summaries', 'consent')
  if c[1] then return c[1] == 'consent' and c[2] ~= '1' end
  return call('HGET', job, 'refused') == '1'
end

-- Puts a request into the queue, and tells both sides. Returns when it was made: its name. counselor: who may read; who, role: who asked.
local function request_summary(counselor, who, role, side, hex, expires, request)
  local c = call('HMGET', conv, 'summaryAt', 'createdAt', 'caseRef')
  local at = math.max(now, (tonumber(c[1]) or 0) + 1)
  call('DEL', job, copy)
  call('HSET', job, 'at', at, 'createdAt', c[2], 'counselor', counselor, 'caseRef', c[3] or '', 'tries', 0, 'request', request)
  call('PEXPIREAT', job, at + GONE_MS)
  call('ZADD', queue, now_text, id)
  call('HSET', conv, 'summary', 'requested', 'summaryAt', at)
  append_event(hex, 'summary:requested', '{"participant":"' .. who .. '","role":"' .. role .. '","at":' .. now_text .. '}', expires)
  note('summary', side, 0)
  return at
end

-- Does that claim still stand?
local function claimed(claim)
  return tonumber(call('ZSCORE', queue, id) or 0) == tonumber(claim) and call('EXISTS', job) == 1
end
