"""What every load run takes, and prints, so that it can be repeated exactly."""

import argparse
import random
import time


def parse(description, **extra):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--base", type=int, help="first possible timestamp, seconds since 1970 (default: 26 h ago)")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=32)
    for name, default in extra.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    chosen = parser.parse_args()
    if chosen.base is None:
        chosen.base = int(time.time()) - 26 * 3600
    print(
        f"{parser.prog} --seed {chosen.seed} --base {chosen.base} --events {chosen.events} --calls {chosen.calls}",
        flush=True,
    )
    return chosen


class Stopwatch:
    def __init__(self):
        self.last = time.monotonic()

    def say(self, text):
        now = time.monotonic()
        print(f"  {now - self.last:6.1f} s  {text}", flush=True)
        self.last = now
