#!/usr/bin/env bash
# Builds the fuzz targets and runs each over its seeds: libFuzzer, guided by coverage, on the stable toolchain.
#   tests/fuzz/run.sh [RUNS]             a number of runs each (default 20 000), chance beginning at the same place
#   tests/fuzz/run.sh TARGET ARGUMENT... one target with libFuzzer's own arguments, for as long as they say; what it finds
#                                        interesting stays in target/fuzz/corpus
# A finding is written to target/fuzz/findings; `tests/fuzz/run.sh TARGET FILE` runs it alone.
set -uo pipefail
if [ -f "${2:-}" ]; then set -- "$1" "$(realpath "$2")"; fi
cd "$(dirname "$0")"
built=$(realpath ../..)/target/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
# Counters and comparisons that libFuzzer watches; --target keeps them out of build scripts.
watched="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
watched="$watched -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
RUSTFLAGS=$watched CARGO_TARGET_DIR=$built cargo build --quiet --locked --target "$host" || exit
mkdir -p "$built/findings"

# seeds TARGET: its folders of seeds.
seeds() {
  case "$1" in
    encrypted) echo seeds/encrypted ;;
    query) echo seeds/query ;;
    metadata) echo seeds/metadata ../../metadata/sp ;;
    response) echo seeds/response ;;
    *) echo seeds/signature seeds/metadata ;;
  esac
}

fuzz() {
  local target=$1
  shift
  "$built/$host/debug/$target" -dict=saml.dict -artifact_prefix="$built/findings/$target-" "$@"
}

case "${1:-}" in
  [a-z]*)
    target=$1
    shift
    mkdir -p "$built/corpus/$target"
    if [ -f "${1:-}" ]; then exec "$built/$host/debug/$target" "$@"; fi
    # shellcheck disable=SC2046
    fuzz "$target" "$@" "$built/corpus/$target" $(seeds "$target")
    exit
    ;;
esac

passed=0
failed=0
for target in c14n encrypted metadata query reader response signature; do
  log=$built/$target.log
  # libFuzzer keeps what is interesting in the first folder.
  rm -rf "$built/smoke" && mkdir -p "$built/smoke"
  # shellcheck disable=SC2046
  if fuzz "$target" -seed=1 -runs="${1:-20000}" "$built/smoke" $(seeds "$target") >"$log" 2>&1 && grep -q '^Done ' "$log"; then
    passed=$((passed + 1))
    echo "$target: $(grep '^Done ' "$log"), $(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)"
  else
    failed=$((failed + 1))
    tail -n 40 "$log"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
