"""`make bench`: single POSTs against the C ceiling in the same minutes, batches, reads by id, CPU and memory (issue 2,
acceptance 4).

The server has core 0, the load core 1. Runs of the reference and of Callflow alternate; the ratio of their medians is
the figure. Callflow runs as in production: API key, journal acknowledgement with fdatasync, metrics, access log
(formatted and written to /dev/null), upload to the embedded store.
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "EndToEnd"))
from harness import BINARY, Callflow, Failed, Scratch, free_ports, get, spawn, wait_until

LEAST_RATIO = 0.4
MOST_MEGABYTES = 150
CONNECTIONS = 64
TICKS = os.sysconf("SC_CLK_TCK")


def build_reference(folder):
    compiler = shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        raise Failed("no C compiler (cc or clang)")
    target = folder / "reference"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libevent_core"], capture_output=True, text=True, check=True
    )
    subprocess.run(
        [compiler, "-O2", "-Wall", "-Werror", "-o", target, HERE / "reference.c", *flags.stdout.split()], check=True
    )
    return target


def raw_exchange(port, key):
    """The exact bytes of one answer to a single POST, for the reference to repeat."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime())
    body = json.dumps({"callId": "bench-first", "eventType": "answered", "timestamp": now})
    head = "POST /v1/callflow/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    request = f"{head}x-api-key: {key}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        head, _, rest = answer.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(rest) < int(fields[b"content-length"]):
            rest += connection.recv(65536)
    if not head.startswith(b"HTTP/1.1 201"):
        raise Failed(f"a single POST: {answer!r}")
    return head + b"\r\n\r\n" + rest


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_megabytes(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise Failed(f"no {field}")


class Run:
    """One run of wrk against one process."""

    counter = 0

    def __init__(self, process, port, script, seconds, key, batch=0, ids=""):
        Run.counter += 1
        environment = {
            **os.environ,
            "BENCH_KEY": key,
            "BENCH_BATCH": str(batch),
            "BENCH_IDS": str(ids),
            "BENCH_RUN": f"{os.getpid()}{Run.counter:03d}",
            "BENCH_TIME": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
        }
        began = cpu_seconds(process.pid)
        done = subprocess.run(
            [
                "taskset",
                "-c",
                "1",
                "wrk",
                "-t1",
                f"-c{CONNECTIONS}",
                f"-d{seconds}s",
                "--timeout",
                "10s",
                "-s",
                HERE / script,
                f"http://127.0.0.1:{port}",
            ],
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds + 60,
        )
        results = [line[7:] for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        if done.returncode or not results:
            raise Failed(f"wrk: {done.stdout}{done.stderr}")
        found = json.loads(results[0])
        if found["refused"] or found["broken"] or not found["requests"]:
            raise Failed(f"wrk saw refusals or broken connections: {found}")
        self.rate = found["requests"] / found["microseconds"] * 1e6
        self.cpu_microseconds = (cpu_seconds(process.pid) - began) / found["requests"] * 1e6
        self.p50, self.p99 = found["p50"] / 1000, found["p99"] / 1000

    def __str__(self):
        latency = f"p50 {self.p50:.2f} ms, p99 {self.p99:.2f} ms"
        return f"{self.rate:9.0f} requests/s, CPU {self.cpu_microseconds:6.1f} us/request, {latency}"


def pinned(command, log, environment=None):
    return spawn(["taskset", "-c", "0", *map(str, command)], log, environment)


def single_posts(node, reference, ports, key, seconds, rounds):
    rates = {"reference": [], "callflow": []}
    for _ in range(rounds):
        for name, process, port in (("reference", reference, ports[0]), ("callflow", node.process, node.port)):
            run = Run(process, port, "post.lua", seconds, key)
            rates[name].append(run.rate)
            print(f"  {name:10} {run}", flush=True)
    return statistics.median(rates["callflow"]), statistics.median(rates["reference"])


def event_ids(node, key, folder):
    status, text = get(f"{node.url}/v1/callflow/events?limit=1000", {"x-api-key": key})
    if status != 200:
        raise Failed(f"a page of events: {status} {text[:300]}")
    path = folder / "ids"
    path.write_text("".join(event["eventId"] + "\n" for event in json.loads(text)["events"]))
    return path


def measure(folder, seconds, rounds):
    node = Callflow(folder / "node", {"http.threads": 1})
    node.log = pathlib.Path("/dev/null")
    key = node.create_key()
    node.process = pinned([BINARY, "serve", "--config", node.config], node.log, node.environment)
    wait_until(node._ready, 30, "readiness")
    (folder / "answer").write_bytes(raw_exchange(node.port, key))
    ports = free_ports(1)
    reference = pinned([build_reference(folder), ports[0], folder / "answer"], folder / "reference.log")
    wait_until(lambda: get(f"http://127.0.0.1:{ports[0]}/")[0], 10, "the reference")
    idle = memory_megabytes(node.process.pid, "VmRSS")

    ours, ceiling = single_posts(node, reference, ports, key, seconds, rounds)
    reference.kill()
    reference.wait()
    peak = memory_megabytes(node.process.pid, "VmHWM")
    batches = [Run(node.process, node.port, "post.lua", seconds, key, batch=100) for _ in range(rounds)]
    batch = sorted(batches, key=lambda run: run.rate)[rounds // 2]
    read = Run(node.process, node.port, "get.lua", seconds, key, ids=event_ids(node, key, folder))
    print(f"  batches of 100: {batch.rate * 100:9.0f} events/s, CPU {batch.cpu_microseconds / 100:.2f} us/event")
    print(f"  GET by id:  {read}")
    print(
        f"  memory: idle {idle:.0f} MB, peak of the single POSTs {peak:.0f} MB,"
        f" peak of everything {memory_megabytes(node.process.pid, 'VmHWM'):.0f} MB"
    )
    if (status := node.terminate()) != 0:
        raise Failed(f"exit {status} after TERM")
    return ours / ceiling, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="one short round and no bounds: does it run at all")
    chosen = parser.parse_args()
    if os.cpu_count() < 2:
        raise SystemExit("make bench needs two cores")
    with Scratch() as folder:
        ratio, peak = measure(folder, *((1, 1) if chosen.short else (5, 3)))
    print(f"ratio {ratio:.2f}   (single POSTs, Callflow over the C reference; at least {LEAST_RATIO})")
    if chosen.short:
        return 0
    if ratio < LEAST_RATIO:
        print(f"FAIL: the ratio is below {LEAST_RATIO}")
    if peak > MOST_MEGABYTES:
        print(f"FAIL: {peak:.0f} MB are above {MOST_MEGABYTES} MB")
    return 1 if ratio < LEAST_RATIO or peak > MOST_MEGABYTES else 0


if __name__ == "__main__":
    sys.exit(main())
