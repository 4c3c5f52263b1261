#!/bin/bash
# `make test`: everything, from a fresh clone, stopping at the first failure. CALLFLOW_E2E=0-9 prefixes choose
# end-to-end tests alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
began=$SECONDS
stage="start"
trap '[ $? = 0 ] || printf "\nmake test: FAILED in: %s (after %d s)\n" "$stage" $((SECONDS - began)) >&2' EXIT

stage() {
  stage=$1
  printf '\n== %s (%d s)\n' "$stage" $((SECONDS - began))
}

export CALLFLOW_CORPORA=${CALLFLOW_CORPORA:-$(cd .. && pwd)/shared/corpora}
export CALLFLOW_WEED=$PWD/.build-tools/bin/weed PATH="$PWD/.build-tools/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
[ -d "$CALLFLOW_CORPORA" ] || echo "*** $CALLFLOW_CORPORA does not exist: tests on vectors of others will NOT run ***"
strict=(-Xswiftc -warnings-as-errors --explicit-target-dependency-import-check error)

stage "prepare"
Tests/EndToEnd/prepare.sh test
stage "lint"
Tests/EndToEnd/lint.sh
stage "build, warnings are errors"
swift build --build-tests "${strict[@]}"
stage "unit and integration tests"
# One after the other: on two cores the tests of real deadlines would starve beside those that compute.
swift test --skip-build --no-parallel "${strict[@]}"
stage "release build"
Tests/EndToEnd/build.sh
for script in Tests/EndToEnd/[0-9][0-9]-*.sh; do
  stage "end to end: $(basename "$script" .sh)"
  "$script"
done
stage="end"
printf '\nmake test: everything passed in %d s\n' $((SECONDS - began))
