-- Opens a session, or finds the same one open.
-- KEYS _conversation; ARGV 1 student  2 counselor ('' none)  3 counselor's role  4 caseRef  5 summaries  6 summarize on end (0/1)
--   7 acts of student  8 acts of counselor  9 device of student  10 device of counselor  11 ttl ms  12 birth mark  13 salt
-- Reply _session | {CONFLICT} other content | {GONE} erased before
--- include _conversation.lua
--- include _presence.lua
--- include _session.lua
-- Acts are settings of the session, the ttl is ours: devices and all the rest must be the same for the same answer.
local print = redis.sha1hex(table.concat(ARGV, '\n', 1, 10))
local refused = alive()
if not refused then
  if call('HGET', conv, 'print') ~= print then return { 'CONFLICT' } end
  return session_answer(0)
end
if refused[1] == 'GONE' then return refused end
local expires = now + ARGV[11]
-- What every send reads stands first: a small hash is searched from its front.
call('HSET', conv, 'expiresAt', expires, 'status', 'active', 'student', ARGV[1], 'counselor', ARGV[2], 'lastActivityAt', now, 'ttl', ARGV[11], 'desked', 0,
  'acts:student', ARGV[7], 'acts:counselor', ARGV[8], 'salt', ARGV[13], 'messages', 0, 'keptFor', expires, 'birth', ARGV[12],
  'createdAt', now, 'kind', 'session', 'role', ARGV[3], 'caseRef', ARGV[4], 'summaries', ARGV[5], 'summarizeOnEnd', ARGV[6], 'print', print)
if ARGV[9] ~= '' then call('HSET', device, ARGV[1], ARGV[9]) end
if ARGV[10] ~= '' and ARGV[2] ~= '' then call('HSET', device, ARGV[2], ARGV[10]) end
call('HSET', gone, 'state', 'open', 'createdAt', now, 'ttl', ARGV[11])
keep(expires)
if ARGV[2] ~= '' then show_on_desk(ARGV[2]) end
note('created', 'service', 0)
return session_answer(1)
