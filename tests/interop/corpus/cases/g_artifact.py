"""Artifact resolution: whoever asks must prove who he is, and gets only what waits for him."""
from lib.model import *
from lib import dsig, saml


def ac(id, title, expect=REJECT, sev="high", **kw):
    return case(id, "ART", title, expect, sev=sev, **kw)


def envelope(c, key=None, cert=None, header="", **o):
    return saml.soap_env(c.signed(c.artifact_resolve(**o), key=key, cert=cert), header)


@case("ART+1", "ART", "signed ArtifactResolve for an artifact that nobody has: success, and nothing in it", {ACC_OK}, control=True, sev="critical")
def _(c):
    c.leak_strings += ["<samlp:Response", "Assertion"]
    return c.soap(envelope(c))


@ac("A01", "unsigned ArtifactResolve")
def _(c): return c.soap(saml.soap_env(c.artifact_resolve()))


@ac("A02", "ArtifactResolve signed by an unregistered key", sev="critical")
def _(c): return c.soap(envelope(c, key=c.wrong_key, cert=c.wrong_cert))


@ac("A03", "unknown Issuer", sev="critical")
def _(c): return c.soap(envelope(c, issuer="https://unknown.corpus.invalid"))


@ac("A04", "artifact of wrong length and type", sev="medium")
def _(c): return c.soap(envelope(c, artifact=saml.b64(b"\x00\x01short")))


@ac("A05", "DOCTYPE in the SOAP envelope")
def _(c): return c.soap("<!DOCTYPE a>" + envelope(c))


@ac("A06", "two messages in one SOAP body")
def _(c): return c.soap(envelope(c).replace("</S:Body>", c.artifact_resolve() + "</S:Body>"))


@ac("A07", "the signed message in the header, a forged one in the body", sev="critical")
def _(c):
    signed = c.signed(c.artifact_resolve())
    return c.soap(saml.soap_env(c.artifact_resolve(), header=signed))


@ac("A08", "AttributeQuery at the artifact endpoint", sev="critical")
def _(c):
    query = ('<samlp:AttributeQuery xmlns:samlp="%s" xmlns:saml="%s" ID="%s" Version="2.0" IssueInstant="%s"><saml:Issuer>%s</saml:Issuer>'
             '<saml:Subject><saml:NameID>victim</saml:NameID></saml:Subject></samlp:AttributeQuery>' % (
                 saml.SAMLP, saml.SAML, saml.rid(), saml.ts(), c.p["sp_entity_id"]))
    return c.soap(saml.soap_env(c.signed(query)))


@ac("A09", "a header that must be understood and is not", sev="low")
def _(c): return c.soap(envelope(c, header='<x:h xmlns:x="urn:x" S:mustUnderstand="1"/>'))


@ac("A10", "Destination of another host")
def _(c): return c.soap(envelope(c, destination="https://%s/artifact" % c.EVIL))


@ac("A11", "IssueInstant one day old")
def _(c): return c.soap(envelope(c, issue_instant=saml.ts(-86400)))


@ac("A12", "the same ArtifactResolve twice")
def _(c):
    message = envelope(c)
    c.soap(message)
    return c.soap(message)


@ac("A13", "AuthnRequest in the SOAP body", sev="medium")
def _(c): return c.soap(saml.soap_env(c.signed()))


@ac("A14", "a form in place of an envelope", sev="low")
def _(c): return c.post(c.signed(c.artifact_resolve()), url=c.p["artifact"])


@ac("A15", "an envelope of four megabytes", heavy=True, max_s=3, sev="medium")
def _(c): return c.soap(saml.soap_env("<a>%s</a>" % ("b" * 4_000_000)))


@ac("A16", "10 000 nested elements in the body", heavy=True, max_s=3, sev="medium")
def _(c): return c.soap(saml.soap_env("<a>" * 10_000 + "</a>" * 10_000))
