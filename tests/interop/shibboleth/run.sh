#!/usr/bin/env bash
# Shibboleth SP: a private apache2 with mod_shib, and shibd. ../README.md says how it is called. Nothing under /etc is read but
# Shibboleth's own protocol and security files. Started as root, both daemons run as www-data.
. "$(dirname "$0")/../common.sh"
parse_args "$@"
here=$(cd "$(dirname "$0")" && pwd)
ATTRIBUTES="uuid email all_emails locale ial aal verified_at first_name middle_name last_name address1 address2 city state zipcode dob ssn phone"
mkdir -p "$STATE"/{cache,htdocs,cgi}
# shibd must be able to read them, otherwise it starts all the same and sends unsigned requests.
make_key "$STATE/etc/sign"
make_key "$STATE/etc/encrypt"
cp "$IDP_METADATA" "$STATE/etc/idp-metadata.xml"
# A name is mapped for each name format that it may come with; the first line has none, which means `uri`.
{ echo '<Attributes xmlns="urn:mace:shibboleth:2.0:attribute-map" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
  for format in persistent transient; do
    echo "<Attribute name=\"urn:oasis:names:tc:SAML:2.0:nameid-format:$format\" id=\"nameid\">"
    echo '<AttributeDecoder xsi:type="NameIDAttributeDecoder" formatter="$Name||$Format" defaultQualifiers="false"/></Attribute>'
  done
  for name in $ATTRIBUTES; do
    echo "<Attribute name=\"$name\" id=\"attribute_$name\"/>"
    for format in basic unspecified; do
      echo "<Attribute name=\"$name\" id=\"attribute_$name\" nameFormat=\"urn:oasis:names:tc:SAML:2.0:attrname-format:$format\"/>"
    done
  done
  echo '</Attributes>'; } >"$STATE/etc/attribute-map.xml"
install -m 755 "$here/whoami.py" "$STATE/cgi/whoami"
of_idp() { xmllint --nonet --xpath "string($1)" "$IDP_METADATA"; }
# The key that our metadata names first for signing is the one that signed it.
{ echo '-----BEGIN CERTIFICATE-----'
  of_idp '(//*[local-name()="IDPSSODescriptor"]//*[local-name()="X509Certificate"])[1]' | tr -d ' \n\t' | fold -w 64
  printf '\n%s\n' '-----END CERTIFICATE-----'; } >"$STATE/etc/idp-signing.pem"
openssl x509 -noout -in "$STATE/etc/idp-signing.pem" || die "no certificate found in $IDP_METADATA"
idp=$(of_idp '/*/@entityID')

for file in shibboleth2.xml shibd.logger native.logger httpd.conf; do
  sed "s|@STATE@|$STATE|g; s|@BASE@|$BASE|g; s|@IDP@|$idp|g; s|@PORT@|$PORT|g" "$here/$file" >"$STATE/etc/$file"
done
as_root=()
if [ "$(id -u)" = 0 ]; then
  as_root=(-u www-data -g www-data)
  printf 'User www-data\nGroup www-data\n' >>"$STATE/etc/httpd.conf"
  chown -R www-data "$STATE"/{log,tmp,cache} "$STATE"/etc/*.key
  chmod 711 "$STATE"
fi
shibd=/usr/sbin/shibd
"$shibd" -t -c "$STATE/etc/shibboleth2.xml" >"$STATE/log/configuration.log" 2>&1 || { cat "$STATE/log/configuration.log" >&2; die "shibd refuses its configuration"; }
"$shibd" -F -f -c "$STATE/etc/shibboleth2.xml" -p "$STATE/tmp/shibd.pid" -w 30 "${as_root[@]}" </dev/null >"$STATE/log/shibd.out" 2>&1 &
children+=($!)
for _ in $(seq 150); do [ -S "$STATE/tmp/shibd.sock" ] && break; sleep 0.1; done
/usr/sbin/apache2 -DFOREGROUND -f "$STATE/etc/httpd.conf" </dev/null >"$STATE/log/apache.out" 2>&1 &
children+=($!)
publish "$BASE/Shibboleth.sso/Metadata"
wait
