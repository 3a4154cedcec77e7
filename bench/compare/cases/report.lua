-- Every connection of wrk asks for the path, for one of the numbered paths at
-- random, or (a negative number) for one that nobody has asked for before; at the
-- end wrk prints one line of JSON for the tool that started it.
local paths = tonumber(os.getenv("BENCH_PATHS") or "0")
local requests = {}
local asked = 0
local prefix

function init(args)
  -- The address of a table tells the threads of one run apart, the time runs.
  local address = tostring(requests):match("0x(%x+)")
  math.randomseed(os.time() + tonumber(address, 16) % 65536)
  prefix = "/" .. os.time() .. "-" .. address .. "-"
  for i = 1, paths do
    requests[i] = wrk.format("GET", "/" .. (i - 1))
  end
  if paths == 0 then
    requests[1] = wrk.format("GET", "/")
    paths = 1
  end
end

function request()
  if paths < 0 then
    asked = asked + 1
    return wrk.format("GET", prefix .. asked)
  end
  return requests[paths == 1 and 1 or math.random(paths)]
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'REPORT {"requests":%d,"micros":%d,"bytes":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    e.connect, e.read, e.write, e.status, e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
