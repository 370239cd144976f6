-- lighttpd's own errors, in the contract's words. lighttpd.conf makes this the error handler: it runs only when lighttpd
-- itself refuses a request or a backend leaves one unanswered, never for what the handlers answer, so it costs a normal request nothing.
local r = lighty.r
local status = tonumber(r.req_env["REDIRECT_STATUS"] or "") or 404   -- asked for by its own name: nothing is there
local path = (r.req_attr["request.orig-uri"] or ""):match("^[^?]*")

local known = {
  [400] = { "BAD_REQUEST", "The request is malformed." },
  [401] = { "UNAUTHENTICATED", "A valid ticket is required." },
  [403] = { "FORBIDDEN", "This is not allowed." },
  [404] = { "NOT_FOUND", "There is nothing here." },
  [405] = { "METHOD_NOT_ALLOWED", "This method is not possible here." },
  [408] = { "BAD_REQUEST", "The request took too long to arrive." },
  [411] = { "BAD_REQUEST", "The request needs a Content-Length." },
  [413] = { "TOO_LARGE", "The request body is too large." },
  [414] = { "TOO_LARGE", "The address is too long." },
  [416] = { "BAD_REQUEST", "This range does not exist." },
  [417] = { "BAD_REQUEST", "This expectation cannot be met." },
  [431] = { "TOO_LARGE", "The request headers are too large." },
  [501] = { "METHOD_NOT_ALLOWED", "This method is not possible here." },
  [505] = { "BAD_REQUEST", "This version of HTTP is not spoken here." },
}

-- A handler that was killed or cannot be reached: whether the request was carried out is unknown, asking again is right, and the answer to
-- a client that asks again with the same clientId is the first one.
local api = path:find("^/api/") or path:find("^/auth/") or path:find("^/chats/") or path == "/health" or path == "/metrics"
local retry_after
if status == 501 and r.req_header["Transfer-Encoding"] then
  known[501] = { "BAD_REQUEST", "This transfer coding is not understood." }
elseif status == 405 then   -- a page: lighttpd's own answer, which says nothing of what is allowed
  r.resp_header["Allow"] = "GET, HEAD"
elseif status == 501 and not api then   -- a page asked with something other than GET, or (without a path) a method that lighttpd doesn't know
  status = 405
  r.resp_header["Allow"] = path == "" and "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" or "GET, HEAD"
elseif status == 403 and not api then   -- a folder: what cannot be seen answers as what is not there
  status = 404
end
if status >= 500 and not known[status] then
  status = api and 503 or 500
  retry_after = api and 1 or nil
end
local code, message
if known[status] then
  code, message = known[status][1], known[status][2]
elseif status == 503 then
  code, message = "STORE_UNAVAILABLE", "The service is busy or restarting. Please try again."
elseif status < 500 then
  code, message = "BAD_REQUEST", "The request cannot be served."
else
  code, message = "INTERNAL", "Something went wrong here."
end

r.resp_header["X-Request-Id"] = string.format("%08x%08x", lighty.c.rand() & 0xffffffff, lighty.c.rand() & 0xffffffff)
r.resp_header["Cache-Control"] = "no-store"
r.resp_header["X-Content-Type-Options"] = "nosniff"

-- A browser's EventSource gives up for good on anything but 200: a stream that cannot start is told to come back instead.
if status == 503 and path:find("/events$") and (r.req_header["Accept"] or ""):find("text/event-stream", 1, true) then
  r.resp_header["Content-Type"] = "text/event-stream"
  r.resp_body.set(string.format("retry: %d\n\n", 1000 + (lighty.c.rand() & 0x7ff)))
  return 200
end

r.resp_header["Content-Type"] = "application/json"
if retry_after then r.resp_header["Retry-After"] = tostring(retry_after) end
r.resp_body.set('{"error":{"code":"' .. code .. '","message":"' .. message .. '"' ..
  (retry_after and ',"retry_after":' .. retry_after or "") .. '}}')
return status
