#!/bin/bash
# check-config: the shipped file is good, secrets are masked, a typo names its line and the nearest key and ends with
# 78.
source "$(dirname "$0")/lib.sh"

expect_exit 0 "$binary" check-config --config config/callflow.yaml
ok "config/callflow.yaml is valid"

cat >"$scratch/secret.yaml" <<END
storage:
  data: $scratch/data
  url: s3://bucket/prefix
  s3:
    endpoint: http://127.0.0.1:1
    access_key_id: someone
    secret_access_key: never-print-this
END
expect_exit 0 "$binary" check-config --config "$scratch/secret.yaml"
expect_text 's3://bucket/prefix'
if grep -q never-print-this <<<"$output"; then fail "the secret is printed: $output"; fi
ok "the effective configuration is printed, secrets are masked"

typo() { # line nearest-key text...
  local line=$1 nearest=$2
  shift 2
  printf '%s\n' "$@" >"$scratch/typo.yaml"
  for command in check-config serve; do
    expect_exit 78 "$binary" $command --config "$scratch/typo.yaml"
    expect_text "(line |:)$line\b"
    expect_text "$nearest"
  done
  ok "typo near $nearest"
}
typo 2 'listen' 'http:' '  lisen: 127.0.0.1:8080'
typo 3 'acknowledge' 'storage:' '  data: data' '  acknowlege: journal'
typo 1 'storage' 'storrage:' '  data: data'

wrong() { # pattern text...
  local pattern=$1
  shift
  printf '%s\n' "$@" >"$scratch/wrong.yaml"
  expect_exit 78 "$binary" check-config --config "$scratch/wrong.yaml"
  expect_text "$pattern"
  ok "wrong value: $pattern"
}
wrong 'storage.acknowledge' 'storage:' '  acknowledge: perhaps'
wrong 'http.limits.body_bytes' 'http:' '  limits:' '    body_bytes: much'
wrong 'auth.anonymous' 'auth:' '  anonymous: true' 'http:' '  listen: 0.0.0.0:8080'

expect_exit 78 "$binary" check-config --config "$scratch/absent.yaml"
expect_text 'absent.yaml'
expect_exit 2 "$binary" no-such-command
expect_exit 0 "$binary" version
expect_text 'libevent.*2\.'
expect_text 'OpenSSL.*3\.'
expect_text 'zstd.*1\.'
ok "absent file 78, unknown command 2, versions"
