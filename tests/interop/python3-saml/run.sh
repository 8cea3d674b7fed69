#!/usr/bin/env bash
# python3-saml in strict mode: ../README.md says how it is called. Needs the packages of tests/requirements.txt in SIGNET_TEST_VENV.
. "$(dirname "$0")/../common.sh"
parse_args "$@"
here=$(cd "$(dirname "$0")" && pwd)
venv=${SIGNET_TEST_VENV:-$here/../../../target/test-venv}
make_key "$STATE/etc/sp"
BASE=$BASE PORT=$PORT STATE=$STATE IDP_METADATA=$IDP_METADATA "$venv/bin/python" "$here/sp.py" >"$STATE/log/sp.log" 2>&1 &
children+=($!)
publish "$BASE/metadata"
wait
