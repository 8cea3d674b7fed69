from lib.model import *
from lib import dsig, saml


@case("IDP+1", "CTL", "valid signed AuthnRequest, POST", ACCEPT, control=True, sev="critical", needs=("post",))
def _(c):
    return c.post(c.signed(), relay="rs1")


@case("IDP+2", "CTL", "valid signed AuthnRequest, Redirect", ACCEPT, control=True, sev="critical", needs=("redirect",))
def _(c):
    return c.redirect(c.req(), relay="rs1")


@case("IDP+3", "CTL", "valid request, lower-case percent-encoding (ADFS/Azure style) in the signed query", ACCEPT, control=True, sev="low", needs=("redirect",))
def _(c):
    import re
    return c.redirect(query=c.redirect_query(c.req(), "rs/+=", enc=lambda v: re.sub("%[0-9A-F]{2}", lambda m: m.group(0).lower(), saml.q(v))))


@case("IDP+4", "CTL", "valid request, pretty-printed with CRLF and an XML declaration", ACCEPT, control=True, sev="low", needs=("post",))
def _(c):
    return c.post('<?xml version="1.0" encoding="UTF-8"?>\r\n' + c.signed())


@case("IDP+5", "CTL", "valid request, RSA-SHA512 / SHA-512", ACCEPT, control=True, sev="low", needs=("post",))
def _(c):
    return c.post(c.signed(sigalg=dsig.RSA_SHA512, digalg=dsig.SHA512))


@case("IDP+6", "CTL", "valid request with InclusiveNamespaces PrefixList (common in the field)", ACCEPT, control=True, sev="low", needs=("post",))
def _(c):
    return c.post(c.signed(c.req(extra_ns=' xmlns:xs="http://www.w3.org/2001/XMLSchema"'), prefixes="xs"))


@case("IDP+7", "CTL", "valid request, no KeyInfo", ACCEPT, control=True, sev="low", needs=("post",))
def _(c):
    return c.post(c.signed(ki=None))
