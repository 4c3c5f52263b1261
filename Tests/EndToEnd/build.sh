#!/bin/bash
# The release binary, .build/release/callflow, with the Swift runtime inside.
set -euo pipefail
cd "$(dirname "$0")/../.."
swift build -c release --product callflow --static-swift-stdlib
