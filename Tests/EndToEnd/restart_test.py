"""The service ended at random moments of the load, each time restarted on the same data folder.

KILL: issue 2, acceptance 3; FAULTS 1. TERM: FAULTS 3, where in addition whatever was accepted must have been answered.
"""

import asyncio
import random
import sys

import arguments
import events
import load
from harness import Callflow, Scratch, SeaweedFS
from load_test import BUCKET, PREFIX, read, settle, verdict
from oracle import Oracle

START_SECONDS = 5
TERM_SECONDS = 15


class Restarter:
    """Ends and restarts the node each time the load has come as far as the next random threshold, plus a random
    moment."""

    def __init__(self, node, chosen, total):
        source = random.Random(chosen.seed ^ 0x9999)
        self.node = node
        self.end = node.kill if chosen.signal == "KILL" else self.terminate
        self.moments = sorted(
            (source.randrange(total // 50, total - total // 50), source.random() * 0.05) for _ in range(chosen.times)
        )
        self.starts = []
        self.statuses = []
        self.reached = asyncio.Event()
        self.answered = 0

    def progress(self, answered):
        self.answered = answered
        self.reached.set()

    def terminate(self):
        self.statuses.append(self.node.terminate(TERM_SECONDS))

    async def run(self):
        for threshold, delay in self.moments:
            while self.answered < threshold:
                self.reached.clear()
                await self.reached.wait()
            await asyncio.sleep(delay)
            # Waiting in threads: the senders go on and find the port closed.
            await asyncio.to_thread(self.end)
            self.node.launch()
            self.starts.append(await asyncio.to_thread(self.node.wait_ready))


async def write(node, key, generated, chosen):
    record = load.Record(generated)
    requests = load.units(generated, chosen.seed)
    restarter = Restarter(node, chosen, len(generated))
    record.on_progress = restarter.progress
    restarts = asyncio.create_task(restarter.run())
    sending = asyncio.create_task(load.send(record, requests, node.port, key, chosen.connections))
    # A threshold that lies within what stayed unanswered is reached by the end of the load.
    sending.add_done_callback(lambda _: restarter.progress(len(generated)))
    await asyncio.gather(sending, restarts)
    return record, restarter


def judge(oracle, record, restarter, chosen):
    slowest = max(restarter.starts)
    if slowest > START_SECONDS:
        oracle.problem(f"a start took {slowest:.2f} s, the bound is {START_SECONDS} s")
    if chosen.signal == "KILL" and not record.unknown:
        oracle.problem("no request was cut: the kills missed the load")
    if any(restarter.statuses):
        oracle.problem(f"exit statuses after TERM: {restarter.statuses}")
    refusals = (503,) if chosen.signal == "TERM" else ()
    oracle.check_answers(allow_unknown=True, allow_refusals=refusals)


def main():
    chosen = arguments.parse(__doc__, times=20, interval="3s", signal="KILL")
    with Scratch() as folder:
        watch = arguments.Stopwatch()
        seaweed = SeaweedFS(folder / "weed").start()
        seaweed.make_bucket(BUCKET)
        settings = {
            "storage.url": f"s3://{BUCKET}/{PREFIX}",
            "storage.upload.interval": chosen.interval,
            **seaweed.settings,
        }
        node = Callflow(folder / "node", settings, seaweed.environment)
        key = node.create_key()
        node.start()
        generated = events.generate(chosen.seed, chosen.calls, chosen.events, chosen.base * events.SECOND)
        watch.say(f"{len(generated)} events generated, service ready")

        record, restarter = asyncio.run(write(node, key, generated, chosen))
        watch.say(f"{len(restarter.starts)} restarts, {record.summary()}, slowest start {max(restarter.starts):.2f} s")
        oracle = Oracle(record, node.port, key, chosen.seed)
        judge(oracle, record, restarter, chosen)
        asyncio.run(read(oracle, watch))
        if chosen.signal == "TERM" and (cut := record.unknown & set(oracle.order)):
            oracle.problem(f"{len(cut)} events were stored and their requests not answered, first {sorted(cut)[:5]}")
        settle(seaweed, len(oracle.lines))
        if (status := node.terminate()) != 0:
            oracle.problem(f"exit {status} after TERM")
        oracle.check_objects(seaweed.objects(BUCKET, PREFIX))
        watch.say(oracle.checks[-1])
        seaweed.stop()
        result = verdict(oracle.problems)
        if result:
            raise SystemExit(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
