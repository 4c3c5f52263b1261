"""The main job: generated events in by many connections against SeaweedFS with signatures checked, and back in every
way (issue 2, acceptance 2)."""

import asyncio
import json
import shutil
import sys

import arguments
import events
import load
from harness import Callflow, Scratch, SeaweedFS, wait_until
from oracle import Oracle

BUCKET, PREFIX = "callflow-load", "tenant/one"


async def write(node, key, generated, chosen, watch):
    record = load.Record(generated)
    await load.send(record, load.units(generated, chosen.seed), node.port, key, chosen.connections)
    watch.say(f"sent: {record.summary()}")
    return record


async def read(oracle, watch, share=1.0):
    await oracle.check_paging()
    watch.say(oracle.checks[-1])
    await oracle.check_calls(share)
    watch.say(oracle.checks[-1])
    await oracle.check_ids()
    watch.say(oracle.checks[-1])
    await oracle.check_windows()
    watch.say(oracle.checks[-1])


def settle(seaweed, expected, seconds=60):
    """Waits until the names of the objects account for all events (a retried upload may count some twice)."""

    def uploaded():
        names = (key.rsplit("/", 1)[1] for key, _ in seaweed.client.list(BUCKET, PREFIX) if key.endswith(".ndjson.zst"))
        return sum(int(name.split("-")[3].split(".")[0]) for name in names) >= expected

    wait_until(uploaded, seconds, f"{expected} events in the bucket")


def verdict(problems):
    for problem in problems:
        print(f"  FAULT {problem}")
    print(f"  {len(problems)} faults" if problems else "  no fault", flush=True)
    return 1 if problems else 0


def main():
    chosen = arguments.parse(__doc__, interval="5s")
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

        record = asyncio.run(write(node, key, generated, chosen, watch))
        oracle = Oracle(record, node.port, key, chosen.seed)
        oracle.check_answers(allow_unknown=False)
        asyncio.run(read(oracle, watch))
        acknowledged = sum(event_id is not None for event_id in record.event_id)
        if (counted := node.metric("callflow_events_accepted_total")) != acknowledged:
            oracle.problem(f"callflow_events_accepted_total is {counted:.0f}, {acknowledged} events were acknowledged")
        settle(seaweed, acknowledged)
        if (status := node.terminate()) != 0:
            oracle.problem(f"exit {status} after TERM")
        total = oracle.check_objects(seaweed.objects(BUCKET, PREFIX))
        if total != acknowledged:
            oracle.problem(f"objects: {total} lines, {acknowledged} events acknowledged")
        watch.say(oracle.checks[-1])

        # The bucket alone is enough: the same answers from a node that has nothing else.
        shutil.rmtree(node.settings["storage.data"])
        watch.say(f"restarted on an empty data folder in {node.start():.2f} s")
        oracle.port = node.port
        asyncio.run(read(oracle, watch, share=0.05))
        if (status := node.terminate()) != 0:
            oracle.problem(f"exit {status} after TERM")
        check_log(oracle, node)
        seaweed.stop()
        result = verdict(oracle.problems)
        if result:
            raise SystemExit(result)
    return 0


def check_log(oracle, node):
    """Every line of the service's output is one JSON object, and none is an error."""
    for line in node.log.read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            oracle.problem(f"log: not JSON: {line[:300]}")
            continue
        if entry.get("level") == "ERROR":
            oracle.problem(f"log: {line[:300]}")


if __name__ == "__main__":
    sys.exit(main())
