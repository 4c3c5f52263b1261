#!/bin/bash
# The benchmark still runs. No bound on speed here: other programs on the machine would decide it (`make bench` has it).
source "$(dirname "$0")/lib.sh"
if [ "$(nproc)" -lt 2 ]; then
  echo "*** one core only: the benchmark DID NOT RUN ***"
  exit 0
fi
python3 Tests/Benchmarks/bench.py --short
