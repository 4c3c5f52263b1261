"""kill -9 at random moments of the load, each time restarted on the same data folder (issue 2, acceptance 3; FAULTS 1)."""

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


class Killer:
    """Kills and restarts the node each time the load has come as far as the next random threshold, plus a random moment."""

    def __init__(self, node, kills, total, seed):
        source = random.Random(seed ^ 0x9999)
        self.node = node
        self.moments = sorted((source.randrange(total // 50, total - total // 50), source.random() * 0.05) for _ in range(kills))
        self.starts = []
        self.reached = asyncio.Event()
        self.answered = 0

    def progress(self, answered):
        self.answered = answered
        self.reached.set()

    async def run(self):
        for threshold, delay in self.moments:
            while self.answered < threshold:
                self.reached.clear()
                await self.reached.wait()
            await asyncio.sleep(delay)
            self.node.kill()
            # In a thread: the senders go on and find the port closed.
            self.starts.append(await asyncio.to_thread(self.node.start))


async def write(node, key, generated, chosen):
    record = load.Record(generated)
    requests = load.units(generated, chosen.seed)
    killer = Killer(node, chosen.kills, len(generated), chosen.seed)
    record.on_progress = killer.progress
    kills = asyncio.create_task(killer.run())
    sending = asyncio.create_task(load.send(record, requests, node.port, key, chosen.connections))
    # If the last threshold lies within what stayed unanswered, the end of the load counts as reaching it.
    sending.add_done_callback(lambda _: killer.progress(len(generated)))
    await asyncio.gather(sending, kills)
    return record, killer.starts


def main():
    chosen = arguments.parse(__doc__, kills=20, interval="3s")
    with Scratch() as folder:
        watch = arguments.Stopwatch()
        seaweed = SeaweedFS(folder / "weed").start()
        seaweed.make_bucket(BUCKET)
        settings = {
            "storage.url": f"s3://{BUCKET}/{PREFIX}", "storage.upload.interval": chosen.interval, **seaweed.settings}
        node = Callflow(folder / "node", settings, seaweed.environment)
        key = node.create_key()
        node.start()
        generated = events.generate(chosen.seed, chosen.calls, chosen.events, chosen.base * events.SECOND)
        watch.say(f"{len(generated)} events generated, service ready")

        record, starts = asyncio.run(write(node, key, generated, chosen))
        watch.say(f"{len(starts)} kills, {record.summary()}, slowest start {max(starts):.2f} s")
        oracle = Oracle(record, node.port, key, chosen.seed)
        if max(starts) > START_SECONDS:
            oracle.problem(f"a start took {max(starts):.2f} s, the bound is {START_SECONDS} s")
        if len(starts) != chosen.kills:
            oracle.problem(f"{len(starts)} kills instead of {chosen.kills}")
        if not record.unknown:
            oracle.problem("no request was cut: the kills missed the load")
        oracle.check_answers(allow_unknown=True)
        asyncio.run(read(oracle, watch))
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
