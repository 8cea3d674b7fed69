#!/usr/bin/env bash
# Installs the Debian packages of tests/packages.txt that are missing.
#   tests/install.sh [GROUP...]      no group: all of them
# Needs root or sudo only where something is missing, and says what is missing where it may not install it.
set -euo pipefail
cd "$(dirname "$0")/.."

complain() {
  printf '\nSignet: %s\n' "$1" >&2
  shift
  printf '  %s\n' "$@" >&2
  exit 2
}

command -v cargo >/dev/null || complain "there is no Rust toolchain on this machine." \
  "Install Rust 1.90 or newer (https://rustup.rs), open a new shell and try again."

groups=" ${*:-build linker fuzz peer judge database clock browser} "
case "$groups" in *" linker "*) ;; *)
  command -v cc >/dev/null || complain "there is no C compiler on this machine; Rust links with it." \
    "Debian: apt-get install gcc libc6-dev" ;;
esac
wanted=()
while read -r name group _; do
  case "$name" in ''|'#'*) continue ;; esac
  case "$groups" in *" $group "*) wanted+=("$name") ;; esac
done <tests/packages.txt

if ! command -v dpkg-query >/dev/null; then
  # Not Debian: what the server itself needs can still be asked for, the rest is for the person to bring.
  if pkg-config --exists 'openssl >= 3' 2>/dev/null; then exit 0; fi
  complain "OpenSSL's headers (version 3) or pkg-config are missing, and this is not a Debian system." \
    "Install the equivalent of: ${wanted[*]}"
fi

missing=()
for name in "${wanted[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) || state=absent
  [ "$state" = installed ] || missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0

install=(apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -qq)
# RUNLEVEL=1: packages of daemons start none; the tests start their own, in folders of their own.
surely=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1)
if [ "$(id -u)" = 0 ]; then
  :
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo true; }; }; then
  surely=(sudo "${surely[@]}")
else
  complain "these packages are missing, and this account may not install them:" "${missing[@]}" "" \
    "Ask an administrator of this machine for: apt-get install ${missing[*]}"
fi

echo "Installing: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${surely[@]}" "${install[@]}" update && "${surely[@]}" "${install[@]}" install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  complain "the packages could not be installed." "apt-get said the lines above. Missing: ${missing[*]}"
fi
