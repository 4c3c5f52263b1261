"""The oracle tried on a stand-in that keeps its promises, and then on one that breaks each of them: it has to notice
every time."""

import asyncio
import sys

import arguments
import events
import load
from double import Double
from oracle import Oracle

FAULTS = ["", "lose", "double", "order", "metadata", "status", "field", "forget", "window", "object", "token"]


async def judge(generated, fault, seed):
    double = Double(generated, fault)
    port = await double.serve()
    record = load.Record(generated)
    await load.send(record, load.units(generated, seed), port, "cfk_test")
    oracle = Oracle(record, port, "cfk_test", seed)
    oracle.check_answers(allow_unknown=False)
    await oracle.check_paging()
    await oracle.check_calls(share=0.5)
    await oracle.check_ids(count=200)
    await oracle.check_windows(count=20)
    oracle.check_objects(double.objects())
    double.server.close()
    return oracle.problems


def main():
    chosen = arguments.parse(__doc__)
    wrong = 0
    for fault in FAULTS:
        generated = events.generate(chosen.seed, chosen.calls, chosen.events, chosen.base * events.SECOND)
        problems = asyncio.run(judge(generated, fault, chosen.seed))
        noticed = bool(problems) == bool(fault)
        wrong += not noticed
        found = problems[0][:150] if problems else "nothing found"
        print(f"  {'ok  ' if noticed else 'FAIL'} {fault or 'no fault'}: {found}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
