#!/bin/bash
# What a caller gets for requests that are wrong as requests: status, code, header, field.
exec python3 "$(dirname "$0")/requests_test.py"
