-- wrk: distinct events of about 400 bytes. BENCH_KEY: API key; BENCH_TIME: second of the timestamps; BENCH_BATCH:
-- events a request (0: one object); BENCH_RUN: makes the events of each run distinct. All bodies of a run have one
-- length, so the head is made once.
local key = os.getenv("BENCH_KEY")
local second = os.getenv("BENCH_TIME")
local batch = tonumber(os.getenv("BENCH_BATCH"))
local run = os.getenv("BENCH_RUN")
local before = '{"callId":"bench-' .. run .. '-'
local middle = '","eventType":"answered","timestamp":"' .. second .. '.'
local after = 'Z","metadata":{"callerNumber":"+493012345678","calledNumber":"+14155550123","queue":"support-level-2",'
  .. '"agent":{"name":"Zoë Krüger","extension":4711},"durationMs":183250,"codec":"opus","trunk":"trunk-3",'
  .. '"node":"pbx-7.example.com","note":"' .. string.rep("n", 40) .. '"}}'
local number = 0
local head

local function event()
  number = number + 1
  return before .. string.format("%09d", math.floor(number / 10)) .. middle .. string.format("%09d", number) .. after
end

local function body()
  if batch == 0 then return event() end
  local lines = {}
  for index = 1, batch do lines[index] = event() end
  return table.concat(lines, "\n") .. "\n"
end

function request()
  local content = body()
  if head == nil then
    local kind = batch == 0 and "application/json" or "application/x-ndjson"
    head = "POST /v1/callflow/events HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: " .. key .. "\r\nContent-Type: " .. kind
      .. "\r\nContent-Length: " .. #content .. "\r\n\r\n"
  end
  return head .. content
end

function done(summary, latency, requests)
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
