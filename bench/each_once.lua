-- Each request of a file once: one per line, "METHOD path token-number body". wrk calls this with one thread.
-- Arguments: the file of requests, the file of tokens, how many requests to pass over.
local lines, tokens, at, first = {}, {}, 0, 0
local threads = {}

function setup(thread) threads[#threads + 1] = thread end

function init(args)
  for line in io.lines(args[2]) do tokens[#tokens + 1] = line end
  for line in io.lines(args[1]) do lines[#lines + 1] = line end
  first = tonumber(args[3])
  at = first
  used = 0 -- also counts what is asked a second time where the file has come to its end
end

function request()
  at = at + 1
  used = used + 1
  if at > #lines then at = 1 end
  local method, path, who, body = string.match(lines[at], "^(%S+) (%S+) (%d+) ?(.*)$")
  local headers = {["content-type"] = "application/json"}
  if #tokens > 0 then headers["x-authorization-token"] = tokens[tonumber(who) + 1] end
  if body == "" then body = nil end
  return wrk.format(method, path, headers, body)
end

function done(summary, latency, requests)
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"p50_us":%.1f,"p99_us":%.1f,"max_us":%.1f,"refused":%d,"socket_errors":%d,"used":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    threads[1]:get("used")))
end
