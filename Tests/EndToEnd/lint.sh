#!/bin/bash
# swift-format with the settings of each folder's .swift-format. Everything else about style is in Tests/TidyTests.
set -euo pipefail
cd "$(dirname "$0")/../.."
swift format lint --strict --parallel --recursive Package.swift Sources Tests
