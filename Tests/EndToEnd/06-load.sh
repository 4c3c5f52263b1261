#!/bin/bash
# 200,000 events of 20,000 calls in and out again, against SeaweedFS.
exec python3 "$(dirname "$0")/load_test.py" "$@"
