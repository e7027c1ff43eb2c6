-- A broker's mix on one thread: of 12 requests 6 place, 1 modifies, 5 cancel; what was placed is known by the replies.
-- Arguments: the file of the placements' bodies, one per line, "token-number body"; the file of tokens.
local bodies, tokens, threads = {}, {}, {}
local turn = {"P", "C", "P", "C", "P", "C", "M", "P", "C", "P", "C", "P"}
local at, used, waiting = 0, 0, {}

function setup(thread) threads[#threads + 1] = thread end

function init(args)
  for line in io.lines(args[2]) do tokens[#tokens + 1] = line end
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
  used = 0
end

function request()
  at = at + 1
  local verb = turn[(at - 1) % 12 + 1]
  if verb ~= "P" and #waiting == 0 then verb = "P" end
  local who, body = string.match(bodies[1 + at % #bodies], "^(%d+) (.*)$")
  who = "0"
  local headers = {["content-type"] = "application/json", ["x-authorization-token"] = tokens[1]}
  if verb == "P" then return wrk.format("POST", "/api/v1/orders/kart", headers, body) end
  if verb == "M" then
    local id = waiting[#waiting]
    return wrk.format("PUT", "/api/v1/orders/kart", headers,
      '{"oms_order_id":"' .. id .. '","execution_type":"BO","quantity":' .. tostring(2 + at % 7) .. '}')
  end
  local id = table.remove(waiting)
  return wrk.format("DELETE", "/api/v1/orders/kart/" .. id, headers, '{"execution_type":"BO","leg_order_indicator":"ENTRY"}')
end

function response(status, headers, body)
  local basket = string.match(body, '"basket_id":"([^"]+)","message":"basket Order Placed')
  if basket then waiting[#waiting + 1] = basket end
end

function done(summary, latency, requests)
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"p50_us":%.1f,"p99_us":%.1f,"max_us":%.1f,"refused":%d,"socket_errors":%d,"used":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout, 0))
end
