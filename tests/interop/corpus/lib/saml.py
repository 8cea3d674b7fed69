"""Builders for SAML messages (plain strings, so that nothing 'helpfully' normalises what we emit)."""
import base64, datetime, hashlib, secrets, urllib.parse, zlib
from xml.sax.saxutils import escape, quoteattr

SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
MDUI = "urn:oasis:names:tc:SAML:metadata:ui"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
SOAP = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"
REDIR = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
OK = "urn:oasis:names:tc:SAML:2.0:status:Success"
PPT = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


def rid():
    return "_" + secrets.token_hex(20)


def ts(delta=0, fmt="%Y-%m-%dT%H:%M:%SZ"):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=delta)).strftime(fmt)


def attr(name, val):
    return "" if val is None else " %s=%s" % (name, quoteattr(str(val)))


def authn_request(*, id=None, issuer, destination=None, acs=None, acs_index=None, binding=POST, version="2.0", issue_instant=None,
                  force=None, passive=None, provider=None, consent=None, attr_index=None, issuer_attrs="", issuer_raw=None, extensions="", subject="", policy="default",
                  conditions="", rac="", scoping="", extra_attrs="", tag="AuthnRequest", pns=SAMLP, ans=SAML, tail="", extra_ns=""):
    if policy == "default":
        policy = '<samlp:NameIDPolicy Format="%s" AllowCreate="true"/>' % PERSISTENT
    iss = issuer_raw if issuer_raw is not None else ("" if issuer is None else "<saml:Issuer%s>%s</saml:Issuer>" % (issuer_attrs, escape(issuer)))
    a = (attr("ID", rid() if id is None else (None if id is False else id)) + attr("Version", version) + attr("IssueInstant", ts() if issue_instant is None else (None if issue_instant is False else issue_instant))
         + attr("Destination", destination) + attr("AssertionConsumerServiceURL", acs) + attr("AssertionConsumerServiceIndex", acs_index)
         + attr("ProtocolBinding", binding) + attr("ForceAuthn", force) + attr("IsPassive", passive) + attr("ProviderName", provider)
         + attr("Consent", consent) + attr("AttributeConsumingServiceIndex", attr_index) + extra_attrs)
    return '<samlp:%s xmlns:samlp="%s" xmlns:saml="%s"%s%s>%s%s%s%s%s%s%s%s</samlp:%s>' % (
        tag, pns, ans, extra_ns, a, iss, extensions, subject, policy, conditions, rac, scoping, tail, tag)


def logout_request(*, id=None, issuer, destination, nameid="someone@example.test", nameid_raw=None, nameid_attrs="", noa=None, session=("_s1",), reason=None,
                   version="2.0", issue_instant=None, extensions="", extra="", tag="LogoutRequest"):
    si = "".join("<samlp:SessionIndex>%s</samlp:SessionIndex>" % escape(s) for s in session)
    n = nameid_raw if nameid_raw is not None else '<saml:NameID Format="%s"%s>%s</saml:NameID>' % (PERSISTENT, nameid_attrs, escape(nameid))
    return ('<samlp:%s xmlns:samlp="%s" xmlns:saml="%s"%s%s%s%s%s%s><saml:Issuer>%s</saml:Issuer>%s%s%s%s</samlp:%s>' % (
        tag, SAMLP, SAML, attr("ID", id or rid()), attr("Version", version), attr("IssueInstant", issue_instant or ts()),
        attr("Destination", destination), attr("NotOnOrAfter", noa), attr("Reason", reason), escape(issuer), extensions, n, si, extra, tag))


def logout_response(*, id=None, issuer, destination, irt, status=OK):
    return ('<samlp:LogoutResponse xmlns:samlp="%s" xmlns:saml="%s"%s%s%s%s%s><saml:Issuer>%s</saml:Issuer><samlp:Status><samlp:StatusCode%s/>'
            '</samlp:Status></samlp:LogoutResponse>' % (
                SAMLP, SAML, attr("ID", id or rid()), attr("Version", "2.0"), attr("IssueInstant", ts()), attr("Destination", destination),
                attr("InResponseTo", irt), escape(issuer), attr("Value", status)))


def artifact(entity_id, handle=None):
    return b64(b"\x00\x04\x00\x00" + hashlib.sha1(entity_id.encode()).digest() + (handle or secrets.token_bytes(20)))


def artifact_resolve(*, id=None, issuer, destination, artifact, issue_instant=None):
    return ('<samlp:ArtifactResolve xmlns:samlp="%s" xmlns:saml="%s"%s%s%s%s><saml:Issuer>%s</saml:Issuer><samlp:Artifact>%s</samlp:Artifact>'
            '</samlp:ArtifactResolve>' % (
                SAMLP, SAML, attr("ID", id or rid()), attr("Version", "2.0"), attr("IssueInstant", issue_instant or ts()),
                attr("Destination", destination), escape(issuer), escape(artifact)))


def soap_env(m, header=""):
    return '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/">%s<S:Body>%s</S:Body></S:Envelope>' % (("<S:Header>%s</S:Header>" % header) if header else "", m)


def assertion(*, id=None, issuer, nameid="attacker", nameid_raw=None, nameid_fmt=PERSISTENT, nameid_attrs="", recipient=None, irt=None, scd_noa=300, scd_nb=None, method=BEARER,
              scd="default", confirmations=None, audience=None, audience_raw=None, cond_nb=-60, cond_noa=300, conditions_extra="", conditions=True, authn_instant=-5, session_noa=None,
              acr=PPT, attrs=None, attrs_raw="", authn=True, version="2.0", issue_instant=None, advice="", tail="", issuer_raw=None, authn_extra=""):
    n = nameid_raw if nameid_raw is not None else '<saml:NameID Format="%s"%s>%s</saml:NameID>' % (nameid_fmt, nameid_attrs, escape(nameid))
    if confirmations is None:
        if scd == "default":
            scd = "<saml:SubjectConfirmationData%s%s%s%s/>" % (attr("InResponseTo", irt), attr("Recipient", recipient),
                  attr("NotOnOrAfter", None if scd_noa is None else ts(scd_noa)), attr("NotBefore", None if scd_nb is None else ts(scd_nb)))
        confirmations = "" if method is None else '<saml:SubjectConfirmation Method="%s">%s</saml:SubjectConfirmation>' % (method, scd)
    aud = audience_raw if audience_raw is not None else ("" if audience is None else "<saml:AudienceRestriction><saml:Audience>%s</saml:Audience></saml:AudienceRestriction>" % escape(audience))
    c = "" if not conditions else "<saml:Conditions%s%s>%s%s</saml:Conditions>" % (
        attr("NotBefore", None if cond_nb is None else ts(cond_nb)), attr("NotOnOrAfter", None if cond_noa is None else ts(cond_noa)), aud, conditions_extra)
    st = "" if not authn else '<saml:AuthnStatement AuthnInstant="%s" SessionIndex="%s"%s><saml:AuthnContext><saml:AuthnContextClassRef>%s</saml:AuthnContextClassRef>%s</saml:AuthnContext></saml:AuthnStatement>' % (
        ts(authn_instant), rid(), attr("SessionNotOnOrAfter", None if session_noa is None else ts(session_noa)), acr, authn_extra)
    at = ""
    if attrs or attrs_raw:
        at = "<saml:AttributeStatement>" + "".join('<saml:Attribute Name=%s NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue>%s</saml:AttributeValue></saml:Attribute>' % (quoteattr(k), escape(v)) for k, v in (attrs or {}).items()) + attrs_raw + "</saml:AttributeStatement>"
    iss = issuer_raw if issuer_raw is not None else "<saml:Issuer>%s</saml:Issuer>" % escape(issuer)
    return '<saml:Assertion xmlns:saml="%s" ID="%s" Version="%s" IssueInstant="%s">%s<saml:Subject>%s%s</saml:Subject>%s%s%s%s%s</saml:Assertion>' % (
        SAML, id or rid(), version, issue_instant or ts(), iss, n, confirmations, c, advice, st, at, tail)


def response(body, *, id=None, issuer, destination=None, irt=None, status=OK, status_raw=None, version="2.0", extensions="", issue_instant=None, tag="Response", extra_attrs="", extra_ns=""):
    stx = status_raw if status_raw is not None else '<samlp:Status><samlp:StatusCode Value="%s"/></samlp:Status>' % status
    iss = "" if issuer is None else "<saml:Issuer>%s</saml:Issuer>" % escape(issuer)
    return '<samlp:%s xmlns:samlp="%s" xmlns:saml="%s"%s ID="%s" Version="%s" IssueInstant="%s"%s%s%s>%s%s%s%s</samlp:%s>' % (
        tag, SAMLP, SAML, extra_ns, id or rid(), version, issue_instant or ts(), attr("Destination", destination), attr("InResponseTo", irt), extra_attrs, iss, extensions, stx, body, tag)


def deflate(b, level=9):
    if isinstance(b, str):
        b = b.encode()
    c = zlib.compressobj(level, zlib.DEFLATED, -15)
    return c.compress(b) + c.flush()


def inflate(b):
    return zlib.decompress(b, -15)


def b64(b):
    return base64.b64encode(b.encode() if isinstance(b, str) else b).decode()


def q(v):
    return urllib.parse.quote(v, safe="")


def sp_metadata(*, entity_id, cert_b64, acs, valid_until=None, role_valid_until=None, cache=None, logo=None, info_url=None, privacy=None, error_url=None,
                org_url=None, acs_raw=None, slo=None, slo_answers=None, artifact=None, keydesc=None, key_name="", root_ns=""):
    ui = ""
    if logo or info_url or privacy:
        shown = [("Logo", 'height="16" width="16"', logo), ("InformationURL", 'xml:lang="en"', info_url), ("PrivacyStatementURL", 'xml:lang="en"', privacy)]
        shown = "".join('<mdui:%s %s>%s</mdui:%s>' % (tag, attributes, escape(url), tag) for tag, attributes, url in shown if url)
        ui = '<md:Extensions><mdui:UIInfo xmlns:mdui="%s"><mdui:DisplayName xml:lang="en">x</mdui:DisplayName>%s</mdui:UIInfo></md:Extensions>' % (MDUI, shown)
    if keydesc is None:
        keydesc = ('<md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">%s<ds:X509Data><ds:X509Certificate>%s'
                   '</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>' % (key_name, cert_b64))
    places = '<md:ArtifactResolutionService Binding="%s" Location=%s index="0"/>' % (SOAP, quoteattr(artifact)) if artifact else ""
    if slo:
        places += '<md:SingleLogoutService Binding="%s" Location=%s%s/>' % (REDIR, quoteattr(slo), attr("ResponseLocation", slo_answers))
    places += '<md:NameIDFormat>%s</md:NameIDFormat>' % PERSISTENT
    places += acs_raw if acs_raw is not None else '<md:AssertionConsumerService Binding="%s" Location=%s index="0" isDefault="true"/>' % (POST, quoteattr(acs))
    org = ""
    if org_url:
        org = ('<md:Organization><md:OrganizationName xml:lang="en">x</md:OrganizationName><md:OrganizationDisplayName xml:lang="en">x</md:OrganizationDisplayName>'
               '<md:OrganizationURL xml:lang="en">%s</md:OrganizationURL></md:Organization>' % escape(org_url))
    return ('<md:EntityDescriptor xmlns:md="%s"%s entityID=%s%s%s><md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true"%s%s '
            'protocolSupportEnumeration="%s">%s%s%s</md:SPSSODescriptor>%s</md:EntityDescriptor>' % (
                MD, root_ns, quoteattr(entity_id), attr("validUntil", valid_until), attr("cacheDuration", cache), attr("validUntil", role_valid_until),
                attr("errorURL", error_url), SAMLP, ui, keydesc, places, org))
