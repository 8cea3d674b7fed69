# What the scripts that start a service provider share. Sourced.
set -euo pipefail

die() { echo "error: $*" >&2; exit 2; }

# Sets IDP_METADATA HOST PORT STATE BASE from the command line.
parse_args() {
  IDP_METADATA='' HOST='' PORT='' STATE=''
  while [ $# -gt 1 ]; do
    case "$1" in
      --idp-metadata) IDP_METADATA=$(realpath "$2") ;;
      --host) HOST=$2 ;;
      --port) PORT=$2 ;;
      --state) mkdir -p "$2" && STATE=$(realpath "$2") ;;
      *) die "unknown option $1" ;;
    esac
    shift 2
  done
  [ -n "$IDP_METADATA" ] && [ -n "$HOST" ] && [ -n "$PORT" ] && [ -n "$STATE" ] || die "--idp-metadata, --host, --port and --state are required"
  BASE=http://$HOST:$PORT
  mkdir -p "$STATE"/{etc,log,tmp}
}

# make_key BASENAME: a key and a self-signed certificate.
make_key() {
  openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days 30 -subj "/CN=$(basename "$1")" -keyout "$1.key" -out "$1.crt" 2>/dev/null
}

# publish URL: waits until the service answers there, then writes STATE/sp-metadata.xml, whole or not at all.
publish() {
  local _
  for _ in $(seq 150); do
    if curl -fsS --max-time 5 --resolve "$HOST:$PORT:127.0.0.1" -o "$STATE/sp-metadata.xml.new" "$1" 2>/dev/null; then
      mv "$STATE/sp-metadata.xml.new" "$STATE/sp-metadata.xml"
      return
    fi
    sleep 0.2
  done
  tail -n 15 "$STATE"/log/* >&2
  die "$1 did not answer"
}

# Ends the children that were recorded in `children`, when this script ends.
children=()
finish() { for pid in "${children[@]:+${children[@]}}"; do kill "$pid" 2>/dev/null || true; done; wait; }
trap finish EXIT
trap 'exit 0' INT TERM
