#!/bin/bash
# `verify` on both stores; what serve says and does when the bucket is missing, the secret wrong, the endpoint away;
# TERM under load.
exec python3 "$(dirname "$0")/stores_test.py"
