"""Small, deliberately over-flexible XML-DSig *producer*.

It is a test-vector generator, not a verifier: every knob that a verifier has to
police (algorithms, transforms, references, KeyInfo, placement) can be set freely.
"""
import base64, hashlib, hmac as _hmac, os
from lxml import etree
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, ec, rsa
from cryptography import x509

DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
EXC_WC = EXC + "WithComments"
INC = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INC_WC = INC + "#WithComments"
ENV = DS + "enveloped-signature"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XPATH2 = "http://www.w3.org/2002/06/xmldsig-filter2"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
B64T = DS + "base64"
RSA_SHA1 = DS + "rsa-sha1"
RSA_MD5 = "http://www.w3.org/2001/04/xmldsig-more#rsa-md5"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
HMAC_SHA1 = DS + "hmac-sha1"
HMAC_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
DSA_SHA1 = DS + "dsa-sha1"
SHA1 = DS + "sha1"
SHA256 = XENC + "sha256"
SHA512 = XENC + "sha512"
MD5 = "http://www.w3.org/2001/04/xmldsig-more#md5"
_H = {RSA_SHA1: hashes.SHA1, RSA_MD5: hashes.MD5, RSA_SHA256: hashes.SHA256, RSA_SHA512: hashes.SHA512}
_D = {SHA1: "sha1", SHA256: "sha256", SHA512: "sha512", MD5: "md5"}


def b64(b):
    return base64.b64encode(b).decode()


def load_key(path):
    with open(path, "rb") as f:
        return serialization.load_pem_private_key(f.read(), None)


def load_cert(path):
    with open(path, "rb") as f:
        return x509.load_pem_x509_certificate(f.read())


def cert_b64(cert):
    return b64(cert.public_bytes(serialization.Encoding.DER))


def self_signed(cn="corpus", bits=2048, days=3650, key=None, not_after=None):
    import datetime
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, cn)])
    now = datetime.datetime.now(datetime.timezone.utc)
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=2 if not not_after else 400))
            .not_valid_after(not_after or now + datetime.timedelta(days=days)).sign(key, hashes.SHA256()))
    return key, cert


def parse(s):
    if isinstance(s, str):
        s = s.encode()
    return etree.fromstring(s, etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=False, huge_tree=True))


def ser(el):
    return etree.tostring(el, encoding="unicode")


def c14n(el, alg=EXC, prefixes=None):
    return etree.tostring(el, method="c14n", exclusive=alg.startswith(EXC), with_comments=alg.endswith("WithComments"),
                          inclusive_ns_prefixes=prefixes)


def dig(alg, data):
    return hashlib.new(_D.get(alg, "sha256"), data).digest()


def raw_sign(key, alg, data, hmac_key=None):
    if alg.endswith("hmac-sha256"):
        return _hmac.new(hmac_key, data, hashlib.sha256).digest()
    if alg.endswith("hmac-sha1"):
        return _hmac.new(hmac_key, data, hashlib.sha1).digest()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        n = (key.curve.key_size + 7) // 8
        return r.to_bytes(n, "big") + s.to_bytes(n, "big")
    h = _H.get(alg, hashes.SHA256)
    if h is hashes.MD5:                       # OpenSSL 3 policy may refuse MD5: do the raw RSA by hand
        return rsa_raw_private(key, bytes.fromhex("3020300c06082a864886f70d020505000410") + hashlib.md5(data).digest())
    if h is hashes.SHA1:
        return rsa_raw_private(key, bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(data).digest())
    return key.sign(data, padding.PKCS1v15(), h())


def rsa_raw_private(key, digestinfo, em=None):
    """Textbook RSA over a hand-made PKCS#1 block (lets us forge *bad paddings* with a key we own)."""
    n = key.private_numbers()
    k = (key.key_size + 7) // 8
    if em is None:
        em = b"\x00\x01" + b"\xff" * (k - 3 - len(digestinfo)) + b"\x00" + digestinfo
    m = int.from_bytes(em, "big")
    return pow(m, n.d, n.public_numbers.n).to_bytes(k, "big")


def E(tag, text=None, ns=DS, prefix="ds", **attrs):
    el = etree.Element("{%s}%s" % (ns, tag), nsmap={prefix: ns})
    for k, v in attrs.items():
        el.set(k, v)
    if text is not None:
        el.text = text
    return el


def keyinfo(kind, cert=None, key=None, url=None):
    ki = E("KeyInfo")
    if kind == "x509":
        d = etree.SubElement(ki, "{%s}X509Data" % DS)
        etree.SubElement(d, "{%s}X509Certificate" % DS).text = cert_b64(cert)
    elif kind == "keyvalue":
        pn = key.public_key().public_numbers()
        kv = etree.SubElement(etree.SubElement(ki, "{%s}KeyValue" % DS), "{%s}RSAKeyValue" % DS)
        etree.SubElement(kv, "{%s}Modulus" % DS).text = b64(pn.n.to_bytes((pn.n.bit_length() + 7) // 8, "big"))
        etree.SubElement(kv, "{%s}Exponent" % DS).text = b64(pn.e.to_bytes((pn.e.bit_length() + 7) // 8, "big"))
    elif kind == "retrieval":
        etree.SubElement(ki, "{%s}RetrievalMethod" % DS, URI=url, Type=DS + "X509Data")
    elif kind == "keyname":
        etree.SubElement(ki, "{%s}KeyName" % DS).text = url or "signing"
    elif kind == "garbage":
        d = etree.SubElement(ki, "{%s}X509Data" % DS)
        etree.SubElement(d, "{%s}X509Certificate" % DS).text = "MIIB" + "A" * 40
    return ki


def reference(uri, digest_value, transforms=(ENV, EXC), digalg=SHA256, prefixes=None):
    r = E("Reference")
    if uri is not None:
        r.set("URI", uri)
    if transforms is not None:
        ts = etree.SubElement(r, "{%s}Transforms" % DS)
        for t in transforms:
            if isinstance(t, str):
                te = etree.SubElement(ts, "{%s}Transform" % DS, Algorithm=t)
                if prefixes and t.startswith(EXC):
                    te.append(E("InclusiveNamespaces", ns=EXC, prefix="ec", PrefixList=prefixes))
            else:
                ts.append(t)
    etree.SubElement(r, "{%s}DigestMethod" % DS, Algorithm=digalg)
    etree.SubElement(r, "{%s}DigestValue" % DS).text = b64(digest_value)
    return r


def transform(alg, child=None):
    t = E("Transform", Algorithm=alg)
    if child is not None:
        t.append(child)
    return t


def make_signature(refs, key, sigalg=RSA_SHA256, c14n_alg=EXC, ki=None, sm_child=None):
    sig = E("Signature")
    si = etree.SubElement(sig, "{%s}SignedInfo" % DS)
    etree.SubElement(si, "{%s}CanonicalizationMethod" % DS, Algorithm=c14n_alg)
    sm = etree.SubElement(si, "{%s}SignatureMethod" % DS, Algorithm=sigalg)
    if sm_child is not None:
        sm.append(sm_child)
    for r in refs:
        si.append(r)
    etree.SubElement(sig, "{%s}SignatureValue" % DS)
    if ki is not None:
        sig.append(ki)
    return sig


def finish(sig, key, sigalg=RSA_SHA256, c14n_alg=EXC, hmac_key=None, raw=None):
    """Compute SignatureValue for a Signature that already sits at its final place."""
    si = sig.find("{%s}SignedInfo" % DS)
    try:
        data = c14n(si, c14n_alg)
    except Exception:                      # e.g. relative namespace URIs: libxml2 refuses; the attack wants exactly that
        data = b""
    v = raw(data) if raw else raw_sign(key, sigalg, data, hmac_key)
    sig.find("{%s}SignatureValue" % DS).text = b64(v)
    return sig


def sign(root, target, key, cert=None, *, sigalg=RSA_SHA256, digalg=SHA256, c14n_alg=EXC, transforms=(ENV, EXC), uri="auto",
         ki="x509", ki_el=None, parent=None, pos=None, hmac_key=None, digest_value=None, raw=None, extra_refs=(), first_refs=(),
         sm_child=None, digest_c14n=None, id_attr="ID", refs=None, prefixes=None):
    """Sign `target` (element in tree `root`); put the Signature into `parent` (default: target, after Issuer)."""
    parent = target if parent is None else parent
    if uri == "auto":
        uri = "#" + (target.get(id_attr) or "")
    if digest_value is None:
        digest_value = dig(digalg, c14n(target, digest_c14n or EXC, prefixes.split() if prefixes else None))
    if refs is None:
        refs = list(first_refs) + [reference(uri, digest_value, transforms, digalg, prefixes)] + list(extra_refs)
    if ki_el is None and ki:
        ki_el = keyinfo(ki, cert, key)
    sig = make_signature(refs, key, sigalg, c14n_alg, ki_el, sm_child)
    if pos is None:
        pos = 0
        for i, ch in enumerate(parent):
            if isinstance(ch.tag, str) and etree.QName(ch).localname == "Issuer":
                pos = i + 1
                break
    parent.insert(pos, sig)
    return finish(sig, key, sigalg, c14n_alg, hmac_key, raw)


def encrypted_garbage(cert, tag):
    """An element of SAML that is encrypted in the right shape: the key belongs to the certificate, the content is noise."""
    wrapped = cert.public_key().encrypt(os.urandom(32), padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))

    def encrypted(name, inside, algorithm, octets):
        return ('<xenc:%s xmlns:xenc="%s"><xenc:EncryptionMethod Algorithm="%s"/>%s<xenc:CipherData><xenc:CipherValue>%s</xenc:CipherValue>'
                '</xenc:CipherData></xenc:%s>' % (name, XENC, algorithm, inside, b64(octets), name))
    key = '<ds:KeyInfo xmlns:ds="%s">%s</ds:KeyInfo>' % (DS, encrypted("EncryptedKey", "", XENC + "rsa-oaep-mgf1p", wrapped))
    data = encrypted("EncryptedData", key, XENC11 + "aes256-gcm", os.urandom(80))
    return '<saml:%s xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">%s</saml:%s>' % (tag, data, tag)
