#!/bin/bash
# The same load with 20 times kill -9.
exec python3 "$(dirname "$0")/restart_test.py" "$@"
