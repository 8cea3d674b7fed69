"""Single logout: whoever does not prove who he is ends nobody's session, and nothing that comes along leads elsewhere."""
from lib.model import *
from lib import dsig, saml, wrap


def lc(id, title, expect=REJECT, sev="high", **kw):
    return case(id, "SLO", title, expect, sev=sev, **kw)


@case("SLO+1", "SLO", "signed LogoutRequest, POST", {ACC_OK, SAML_ERR}, control=True, sev="critical")
def _(c): return c.slo_post(c.signed(c.logout()))


@case("SLO+2", "SLO", "signed LogoutRequest, Redirect", {ACC_OK, SAML_ERR}, control=True, sev="critical")
def _(c): return c.slo_redirect(c.logout())


@lc("L01", "unsigned LogoutRequest, POST: anybody could sign anybody out")
def _(c): return c.slo_post(c.logout())


@lc("L02", "unsigned LogoutRequest, Redirect")
def _(c): return c.slo_redirect(c.logout(), key=None)


@lc("L03", "LogoutRequest signed by an unregistered key", sev="critical")
def _(c): return c.slo_post(c.signed(c.logout(), key=c.wrong_key, cert=c.wrong_cert))


@lc("L04", "signature of another LogoutRequest put into a forged one", sev="critical")
def _(c): return c.slo_post(dsig.ser(wrap.reqwrap(2, c.signed(c.logout()), c.logout(nameid="victim"))))


@lc("L05", "NotOnOrAfter in the past")
def _(c): return c.slo_post(c.signed(c.logout(noa=saml.ts(-3600))))


@lc("L06", "Destination of another host")
def _(c): return c.slo_post(c.signed(c.logout(destination="https://%s/slo" % c.EVIL)))


@lc("L07", "unknown Issuer", sev="critical")
def _(c): return c.slo_post(c.signed(c.logout(issuer="https://unknown.corpus.invalid")))


@lc("L08", "LogoutResponse to a request that was never sent")
def _(c): return c.slo_post(c.signed(c.logout_response()), param="SAMLResponse")


@lc("L09", "unsigned LogoutResponse")
def _(c): return c.slo_post(c.logout_response(), param="SAMLResponse")


@lc("L10", "RelayState of a foreign host must not become a redirect", expect=SAFE)
def _(c): return c.slo_post(c.signed(c.logout()), relay="https://%s/" % c.EVIL)


@lc("L11", "Reason with HTML must not come back", expect=SAFE, sev="medium")
def _(c):
    bad = "<script>%s</script>" % c.token
    c.bad_strings.append(bad)
    return c.slo_post(c.signed(c.logout(reason=bad)))


@lc("L12", "10 000 SessionIndex elements", expect={REJECTED, SAML_ERR, ACC_OK}, heavy=True, max_s=3, sev="medium")
def _(c): return c.slo_post(c.signed(c.logout(session=["_s%d" % i for i in range(10000)])))


@lc("L13", "AuthnRequest sent to the logout endpoint", sev="medium")
def _(c): return c.slo_post(c.signed(c.req(destination=c.p["slo"])))


@lc("L14", "DOCTYPE in a LogoutRequest")
def _(c): return c.slo_post("<!DOCTYPE a>" + c.signed(c.logout()))


@lc("L15", "IssueInstant one day old: a recorded message")
def _(c): return c.slo_post(c.signed(c.logout(issue_instant=saml.ts(-86400))))


@lc("L16", "the same LogoutRequest twice")
def _(c):
    message = c.signed(c.logout())
    c.slo_post(message)
    return c.slo_post(message)


@lc("L17", "LogoutRequest sent to the sign-in endpoint", sev="medium")
def _(c): return c.post(c.signed(c.logout()))


@lc("L18", "LogoutRequest without a name", sev="medium", expect=REJECT_OR_STATUS)
def _(c): return c.slo_post(c.signed(c.logout(nameid_raw="")))


@lc("L19", "LogoutRequest and LogoutResponse in one form")
def _(c): return c.slo_post(c.signed(c.logout()), extra=[("SAMLResponse", saml.b64(c.signed(c.logout_response()).encode()))])


@lc("L53", "EncryptedID full of garbage", expect=REJECT_OR_STATUS, sev="medium")
def _(c): return c.slo_post(c.signed(c.logout(nameid_raw=dsig.encrypted_garbage(c.cert, "EncryptedID"))))


@lc("L55", "LogoutRequest signed with SHA-1, Redirect")
def _(c): return c.slo_redirect(c.logout(), sigalg=dsig.RSA_SHA1)
