#!/bin/bash
# Every command that README.md shows, run as shown.
exec python3 "$(dirname "$0")/documents_test.py"
