#!/usr/bin/env bash
# Hostile requests, and hostile metadata, against the started server: every case must be met. Needs SIGNET_BIN and the packages of tests/requirements.txt in
# SIGNET_TEST_VENV. Arguments go to corpus.py (--only 'S1*'). What the server says is in target/test-logs/corpus-server.log.
set -euo pipefail
cd "$(dirname "$0")/../../.."
here=tests/interop/corpus
bin=${SIGNET_BIN:-target/debug/signet}
python=${SIGNET_TEST_VENV:-target/test-venv}/bin/python
mkdir -p target/test-logs
export PYTHONDONTWRITEBYTECODE=1
log=target/test-logs/corpus-server.log

state=$(mktemp -d /tmp/signet-corpus.XXXXXX)
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; fi
  rm -rf "$state"
}
trap finish EXIT
trap 'exit 130' INT TERM

read -r port agency_port < <("$python" -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*[s.getsockname()[1] for s in sockets])')

# The service provider whose key the corpus holds.
openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days 30 -subj /CN=corpus -keyout "$state/sp.key" -out "$state/sp.crt" 2>/dev/null
record=$state/var/metadata/sp/corpus/service
mkdir -p "$record"
certificate=$(grep -v -- ----- "$state/sp.crt")
sed "s|@CERTIFICATE@|${certificate//$'\n'/}|" "$here/sp/metadata.xml" >"$record/metadata.xml"
cp "$here/sp/agreement.toml" "$record/agreement.toml"

"$bin" demo --folder "$state/var" --port "$port" --agency-port "$agency_port" >"$log" 2>&1 &
server=$!
for _ in $(seq 300); do
  curl -fsS --max-time 2 -o /dev/null "http://localhost:$port/readyz" 2>/dev/null && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
curl -fsS --max-time 2 -o /dev/null "http://localhost:$port/readyz" || { cat "$log" >&2; echo "the server did not start" >&2; exit 1; }

cat >"$state/profile.json" <<JSON
{"sso": "http://localhost:$port/saml/sso", "slo": "http://localhost:$port/saml/logout", "artifact": "http://localhost:$port/saml/artifact", "idp_entity_id": "http://localhost:$port/saml", "sp_key": "sp.key", "sp_cert": "sp.crt", "sp_entity_id": "https://sp.corpus.example/metadata",
 "metadata_import": {"signet": "$bin", "settings": "$state/var/signet.toml", "folder": "$state/var/metadata", "agreement": "$here/sp/agreement.toml"},
 "acs_url": "https://sp.corpus.example/acs", "accept_marker": "autocomplete=[\"'](username|email)"}
JSON
"$python" "$here/corpus.py" --target "$state/profile.json" --pid "$server" "$@" && status=0 || status=$?
[ ! -f "$state/var/signet.log" ] || cat "$state/var/signet.log" >>"$log"
exit "$status"
