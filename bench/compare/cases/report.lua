-- Every connection of wrk asks for the path, or for one of the numbered paths at
-- random; at the end wrk prints one line of JSON for the tool that started it.
local paths = tonumber(os.getenv("BENCH_PATHS") or "0")
local requests = {}

function init(args)
  math.randomseed(os.time() + tonumber(tostring(requests):match("0x(%x+)"), 16) % 65536)
  for i = 1, paths do
    requests[i] = wrk.format("GET", "/" .. (i - 1))
  end
  if paths == 0 then
    requests[1] = wrk.format("GET", "/")
    paths = 1
  end
end

function request()
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
