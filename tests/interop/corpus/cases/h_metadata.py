"""Metadata that an operator hands in, as a service sent it. Each refusal must say why: `says` holds its words."""
from lib import dsig, saml
from lib.model import *

URL = r"metadata\.xml:1: %s is an address: an absolute http or https URL"
NOT_HTTPS = r"metadata\.xml:1: the %s is not on https"


def mc(id, title, says, expect=REJECT, sev="high", **kw):
    return case(id, "MDI", title, expect, sev=sev, says=says, **kw)


def md(c, **o):
    o.setdefault("entity_id", "https://md-%s.corpus.example/sp" % c.token)
    o.setdefault("cert_b64", dsig.cert_b64(c.wrong_cert))
    o.setdefault("acs", "https://md.corpus.example/acs")
    return saml.sp_metadata(**o)


def acs(binding, location, index):
    return '<md:AssertionConsumerService Binding="%s" Location="%s" index="%d"/>' % (binding, location, index)


def with_key(c, key, use):
    other = '<md:KeyDescriptor use="signing">%s</md:KeyDescriptor>'
    info = '<ds:KeyInfo xmlns:ds="%s"><ds:X509Data><ds:X509Certificate>%%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo>' % dsig.DS
    weak = '<md:KeyDescriptor use="%s">%s</md:KeyDescriptor>' % (use, info % dsig.cert_b64(dsig.self_signed("weak", key=key)[1]))
    return md(c, keydesc=other % (info % dsig.cert_b64(c.wrong_cert)) + weak)


def exponent_3():
    from cryptography.hazmat.primitives.asymmetric import rsa
    return rsa.generate_private_key(public_exponent=3, key_size=2048)


def short():
    from cryptography.hazmat.primitives.asymmetric import rsa
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


@case("MDI+1", "MDI", "valid metadata", {IMPORTED}, control=True, sev="critical", max_s=15)
def _(c): return c.import_md(md(c))


@case("MDI+2", "MDI", "valid metadata with everything that the cases below spoil", {IMPORTED}, control=True, sev="critical", max_s=15)
def _(c):
    page = "https://md.corpus.example/page#top"
    return c.import_md(md(c, valid_until=saml.ts(86400), role_valid_until=saml.ts(86400), cache="P1DT12H", logo="https://md.corpus.example/l.png",
                          info_url=page, privacy=page, error_url=page, org_url=page, slo="https://md.corpus.example/slo",
                          slo_answers="https://md.corpus.example/answers", artifact="https://md.corpus.example/artifact", key_name="<ds:KeyName>of us</ds:KeyName>"))


@mc("M01", "DOCTYPE / XXE in metadata", r"metadata\.xml:1: .*document type", sev="critical")
def _(c):
    doctype = '<!DOCTYPE md:EntityDescriptor [<!ENTITY x SYSTEM "%s">]>' % c.file_canary()
    return c.import_md(doctype + md(c, entity_id="ENTITYX").replace("ENTITYX", "&x;"))


@mc("M02", "validUntil in the past", r"metadata\.xml:1: validUntil has passed")
def _(c): return c.import_md(md(c, valid_until=saml.ts(-3600)))


@mc("M03", "ACS Location javascript:", URL % "Location", sev="critical", ref="CVE-2023-45683; SimpleSAMLphp 201907-01")
def _(c): return c.import_md(md(c, acs="javascript:alert(1)"))


@mc("M04", "ACS Location data:", URL % "Location", sev="critical")
def _(c): return c.import_md(md(c, acs="data:text/html,x"))


@mc("M05", "ACS Location plain http to a public host", NOT_HTTPS % "AssertionConsumerService", sev="medium")
def _(c): return c.import_md(md(c, acs="http://md.corpus.example/acs"))


@mc("M06", "relative ACS Location", URL % "Location", sev="medium")
def _(c): return c.import_md(md(c, acs="/acs"))


@mc("M07", "entityID over 1024 characters", r"metadata\.xml:1: entityID is a name of 1 to 1024 characters", sev="medium")
def _(c): return c.import_md(md(c, entity_id="https://md.corpus.example/" + "a" * 1100))


@mc("M08", "entityID of an already registered SP with another key (takeover)", r"corpus/service has the same entityID", sev="critical")
def _(c): return c.import_md(md(c, entity_id=c.p["sp_entity_id"]))


@mc("M09", "no KeyDescriptor although requests must be signed", r"metadata\.xml:1: there is no key that signs", sev="medium")
def _(c): return c.import_md(md(c, keydesc=""))


@mc("M10", "RSA-1024 signing key", r"metadata\.xml:1: an RSA key must have 2048 to 8192 bits")
def _(c): return c.import_md(with_key(c, short(), "signing"))


@mc("M11", "certificate that is not DER", r"metadata\.xml:1: not a readable certificate", sev="medium")
def _(c): return c.import_md(md(c, cert_b64="AAAA"))


@mc("M12", "mdui Logo javascript:/file: URL", URL % "mdui:Logo")
def _(c): return c.import_md(md(c, logo="javascript:alert(1)"))


@mc("M13", "mdui InformationURL javascript:", URL % "InformationURL")
def _(c): return c.import_md(md(c, info_url="javascript:alert(1)"))


@mc("M14", "negative / absurd cacheDuration", r"metadata\.xml:1: cacheDuration must be a duration", sev="low")
def _(c): return c.import_md(md(c, cache="-P1D"))


@mc("M15", "two ACS with the same index", r"metadata\.xml:1: index 0 is used by more than one AssertionConsumerService", sev="medium")
def _(c): return c.import_md(md(c, acs_raw=acs(saml.POST, "https://a.corpus.example/1", 0) + acs(saml.POST, "https://a.corpus.example/2", 0)))


@mc("M16", "private key inside the metadata", r"metadata\.xml:1: a private key stands in the metadata", sev="medium")
def _(c): return c.import_md(md(c, key_name="<ds:KeyName>-----BEGIN PRIVATE KEY-----MIIE</ds:KeyName>"))


@mc("M17", "20 000 entities in one aggregate from an SP owner", r"metadata\.xml: it has \d+ bytes; 1048576 is the limit", heavy=True, max_s=15)
def _(c):
    entities = "".join(md(c, entity_id="https://e%d.corpus.example/" % i) for i in range(20000))
    return c.import_md('<md:EntitiesDescriptor xmlns:md="%s">%s</md:EntitiesDescriptor>' % (saml.MD, entities))


@mc("M18", "schemaLocation fetch (SSRF)", "", expect={IMPORTED, REJECTED})
def _(c):
    schema = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="%s %s"' % (saml.MD, c.url_canary("/md.xsd"))
    return c.import_md(md(c, root_ns=schema))


@mc("M53", "signing key with public exponent 3", r"metadata\.xml:1: the public exponent of an RSA key", sev="medium")
def _(c): return c.import_md(with_key(c, exponent_3(), "signing"))


@mc("M70", "encryption key with public exponent 3", r"metadata\.xml:1: the public exponent of an RSA key", sev="medium")
def _(c): return c.import_md(with_key(c, exponent_3(), "encryption"))


@mc("M71", "RSA-1024 encryption key", r"metadata\.xml:1: an RSA key must have 2048 to 8192 bits")
def _(c): return c.import_md(with_key(c, short(), "encryption"))


@mc("M72", "validUntil of the role in the past", r"metadata\.xml:1: validUntil has passed")
def _(c): return c.import_md(md(c, valid_until=saml.ts(86400), role_valid_until=saml.ts(-3600)))


@mc("M73", "plain http for an ACS of another binding than we use", NOT_HTTPS % "AssertionConsumerService", sev="medium")
def _(c):
    paos = acs("urn:oasis:names:tc:SAML:2.0:bindings:PAOS", "http://md.corpus.example/ecp", 1)
    return c.import_md(md(c, acs_raw=acs(saml.POST, "https://md.corpus.example/acs", 0) + paos))


@mc("M74", "plain http for answers of single logout", NOT_HTTPS % "SingleLogoutService", sev="medium")
def _(c): return c.import_md(md(c, slo="https://md.corpus.example/slo", slo_answers="http://md.corpus.example/slo"))


@mc("M75", "plain http for artifact resolution", NOT_HTTPS % "ArtifactResolutionService", sev="medium")
def _(c): return c.import_md(md(c, artifact="http://md.corpus.example/artifact"))


@mc("M76", "ACS on loopback http outside of the demonstration", NOT_HTTPS % "AssertionConsumerService", expect={APPLIED}, sev="medium")
def _(c): return c.import_md(md(c, acs="http://sp.localhost:8080/acs"))


@mc("M77", "PrivacyStatementURL javascript:", URL % "PrivacyStatementURL")
def _(c): return c.import_md(md(c, privacy="javascript:alert(1)"))


@mc("M78", "errorURL javascript:", URL % "errorURL")
def _(c): return c.import_md(md(c, error_url="javascript:alert(1)"))


@mc("M79", "OrganizationURL data:", URL % "OrganizationURL")
def _(c): return c.import_md(md(c, org_url="data:text/html,x"))


@mc("M80", "two entities in one aggregate from an SP owner", r"metadata\.xml:1: md:EntitiesDescriptor holds 2 entities")
def _(c): return c.import_md('<md:EntitiesDescriptor xmlns:md="%s">%s%s</md:EntitiesDescriptor>' % (saml.MD, md(c), md(c, entity_id="https://x.corpus.example/")))
