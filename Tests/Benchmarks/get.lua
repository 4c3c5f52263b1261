-- wrk: events by id. BENCH_KEY: API key; BENCH_IDS: a file with one id a line.
local key = os.getenv("BENCH_KEY")
local before = "GET /v1/callflow/events/"
local after = " HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: " .. key .. "\r\n\r\n"
local targets = {}
for line in io.lines(os.getenv("BENCH_IDS")) do
  targets[#targets + 1] = before .. line .. after
end
local number = 0

function request()
  number = number % #targets + 1
  return targets[number]
end

function done(summary, latency, requests)
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
