#!/usr/bin/env bash
# Proves that a fresh machine is enough: Debian 12's base (with make and a C compiler, which a Rust toolchain needs anyway), this
# machine's Rust toolchain and a clone of the current commit, in a folder of their own; then `make test` in it. Not a part of
# `make test`. Needs root, debootstrap, and an hour.
#   tests/clean-machine.sh [COMMAND...]       default: make test
# The folder is reused when CLEAN_MACHINE names one that exists (the clone is made anew, what was built there stays), and removed
# otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "debootstrap needs root" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "apt-get install debootstrap" >&2; exit 2; }

if [ -n "${CLEAN_MACHINE:-}" ]; then
  machine=$CLEAN_MACHINE
else
  machine=$(mktemp -d /var/tmp/signet-machine.XXXXXX)
  trap 'rm -rf --one-file-system "$machine"' EXIT
fi
mkdir -p "$machine"
if [ ! -x "$machine/usr/bin/apt-get" ]; then
  debootstrap --include=ca-certificates,gcc,libc6-dev,make bookworm "$machine" >"$machine.log" 2>&1 ||
    { tail -n 20 "$machine.log" >&2; exit 1; }
fi
rm -f "$machine.log"

# How this machine reaches its package registries: sources, proxies, certificates.
cp -aL /etc/apt/sources.list.d/. "$machine/etc/apt/sources.list.d/" 2>/dev/null || true
[ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$machine/etc/pip.conf"
cp -aL /usr/local/share/ca-certificates/. "$machine/usr/local/share/ca-certificates/" 2>/dev/null || true
cp -L /etc/resolv.conf /etc/hosts "$machine/etc/"
printf '#!/bin/sh\nexit 101\n' >"$machine/usr/sbin/policy-rc.d"
chmod +x "$machine/usr/sbin/policy-rc.d"
chroot "$machine" update-ca-certificates >/dev/null 2>&1

toolchain=$(rustc --print sysroot)
mkdir -p "$machine/opt/rust" "$machine/root"
built=$machine/root/signet/target
if [ -d "$built" ]; then mv "$built" "$machine/root/built"; fi
rm -rf "$machine/root/signet"
git clone --quiet --no-local . "$machine/root/signet"
if [ -d "$machine/root/built" ]; then mv "$machine/root/built" "$built"; fi

[ $# -gt 0 ] || set -- make test
# A mount and process namespace of its own: whatever is left over ends with it.
unshare --mount --pid --fork --kill-child bash -euc '
  machine=$1 toolchain=$2
  shift 2
  mount --bind "$toolchain" "$machine/opt/rust"
  mount -t proc proc "$machine/proc"
  mount --rbind /dev "$machine/dev"
  exec chroot "$machine" env -i HOME=/root LANG=C.UTF-8 PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    ${https_proxy:+https_proxy="$https_proxy"} ${http_proxy:+http_proxy="$http_proxy"} CI="${CI:-}" \
    bash -c "cd /root/signet && exec \"\$@\"" sh "$@"
' bash "$machine" "$toolchain" "$@" </dev/null
