#!/bin/bash
# The oracle notices each kind of broken promise.
exec python3 "$(dirname "$0")/oracle_test.py" --events 1500 --calls 150
