"""Case registry, run context, transport and verdicts."""
import base64, dataclasses, html, http.client, http.server, ipaddress, json, os, re, secrets, shutil, socket, ssl, subprocess, tempfile, threading, time, urllib.parse
from lxml import etree
from . import dsig, saml

CASES = {}

# ---- verdicts ---------------------------------------------------------------------------------------------------------
REJECTED, SAML_ERR, SOFT, ACC, ACC_OK = "rejected", "saml-error", "soft-reject", "accepted", "accepted+assertion"
IMPORTED, APPLIED, OTHER = "imported", "applied-alone", "other-reason"   # of metadata: taken; not by the check; refused, for another reason
ERR5, HANG, CRASH, LEAK, REFLECT, EVIL, SHED, SLOW = "server-error", "hang", "crash", "leak", "reflected", "evil-redirect", "shed", "slow"
HARD_FAIL = {HANG, CRASH, LEAK, REFLECT, EVIL, SLOW, ERR5}
# expectation presets
REJECT = {REJECTED}                                     # 4xx, no SAML message, nothing leaked
REJECT_OR_STATUS = {REJECTED, SAML_ERR}                 # 4xx, or a SAML error status to a *registered* endpoint
SAFE = {REJECTED, SAML_ERR, ACC, ACC_OK, SOFT}          # may be served, must not be reflected / redirected / leaked / slow
ACCEPT = {ACC, ACC_OK}                                  # positive control
STATUS = {SAML_ERR}


@dataclasses.dataclass
class Case:
    id: str
    group: str
    title: str
    expect: set
    fn: object
    sev: str = "high"
    needs: tuple = ()
    ref: str = ""
    control: bool = False
    max_s: float = 5.0
    status_code: str = ""
    heavy: bool = False
    soft_ok: bool = False
    says: str = ""           # of metadata: what the refusal says, as a regular expression


def case(id, group, title, expect=REJECT, **kw):
    def deco(fn):
        if id in CASES:
            raise RuntimeError("duplicate case id " + id)
        CASES[id] = Case(id, group, title, set(expect), fn, **kw)
        return fn
    return deco


# ---- canaries ---------------------------------------------------------------------------------------------------------
class Canary(threading.Thread):
    """Loopback HTTP listener: any hit means the target fetched a URL out of an untrusted document (SSRF)."""
    def __init__(self):
        super().__init__(daemon=True)
        self.hits = []
        hits = self.hits

        class H(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                hits.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "application/xml")
                self.end_headers()
                self.wfile.write(b"<canary/>")
            do_POST = do_HEAD = do_GET

            def log_message(self, *a):
                pass
        self.srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
        self.base = "http://127.0.0.1:%d" % self.srv.server_port

    def run(self):
        self.srv.serve_forever(poll_interval=0.2)


def assert_loopback(url):
    host = urllib.parse.urlsplit(url).hostname
    if not host:
        raise SystemExit("bad target url: %r" % url)
    try:
        infos = socket.getaddrinfo(host, None)
    except socket.gaierror:
        raise SystemExit("refusing: %s does not resolve (only loopback targets)" % host)
    for fam, _, _, _, sa in infos:
        if not ipaddress.ip_address(sa[0]).is_loopback:
            raise SystemExit("refusing to send to non-loopback target %s (%s)" % (host, sa[0]))


class Resp:
    def __init__(self, status, headers, body, elapsed, url):
        self.status, self.headers, self.body, self.elapsed, self.url = status, headers, body, elapsed, url
        self.text = body.decode("utf-8", "replace")


class Headers(dict):
    """Case-insensitive view; repeated headers are joined with a comma."""
    def __init__(self, items):
        super().__init__()
        for k, v in items:
            k = k.title()
            self[k] = self[k] + ", " + v if k in self else v

    def get(self, k, d=None):
        return super().get(k.title(), d)


class Http:
    """Minimal client that sends the request target byte for byte (requests/urllib3 rewrite percent-escapes) and keeps cookies."""
    def __init__(self):
        self.cookies = {}

    def request(self, method, url, data=None, headers=None, timeout=15, limit=4_000_000):
        u = urllib.parse.urlsplit(url)
        h = dict(headers or {})
        if isinstance(data, (list, tuple, dict)):
            data = urllib.parse.urlencode(data).encode()
            h.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif isinstance(data, str):
            data = data.encode("utf-8", "surrogateescape")
        h.setdefault("User-Agent", "saml-corpus/1")
        h.setdefault("Accept", "*/*")
        if self.cookies:
            h.setdefault("Cookie", "; ".join("%s=%s" % kv for kv in self.cookies.items()))
        if u.scheme == "https":
            conn = http.client.HTTPSConnection(u.hostname, u.port, timeout=timeout, context=ssl._create_unverified_context())
        else:
            conn = http.client.HTTPConnection(u.hostname, u.port, timeout=timeout)
        end = time.monotonic() + timeout
        try:
            err = None
            try:
                conn.request(method, url[len(u.scheme) + 3 + len(u.netloc):].split("#")[0] or "/", body=data, headers=h)
            except (BrokenPipeError, ConnectionResetError) as e:      # the server may have answered (413) before reading everything
                err = e
            try:
                r = conn.getresponse()
            except (http.client.HTTPException, OSError):
                raise err or sys_exc()
            body = b""
            while len(body) < limit:
                ch = r.read(65536)
                if not ch:
                    break
                body += ch
                if time.monotonic() > end:
                    raise socket.timeout("body still coming")
            for k, v in r.getheaders():
                if k.lower() == "set-cookie":
                    n, _, rest = v.partition("=")
                    val = rest.split(";")[0]
                    if re.search(r"max-age=0|expires=thu, 01[ -]jan[ -]1970", v, re.I):
                        self.cookies.pop(n.strip(), None)
                    else:
                        self.cookies[n.strip()] = val
            return r.status, Headers(r.getheaders()), body
        finally:
            conn.close()


def sys_exc():
    import sys
    return sys.exc_info()[1]


def headers_of_follower(headers):
    return {k: v for k, v in headers.items() if not k.lower().startswith("content-")}


class Ctx:
    """What a case function sees."""
    EVIL = "evil.corpus.invalid"

    def __init__(self, p, canary, timeout=15):
        self.p, self.canary, self.timeout = p, canary, timeout
        self.key, self.cert = p.get("_sp_key"), p.get("_sp_cert")
        self.wrong_key, self.wrong_cert = p["_wrong"]
        self.reset("none")

    def reset(self, cid):
        self.cid = cid
        self.token = "cnry" + secrets.token_hex(6)
        self.bad_strings = []      # must not come back verbatim
        self.leak_strings = []     # must not come back at all
        self.s = Http()
        self.s.cookies.update(self.p.get("cookies") or {})
        self.last = None
        self.trail = []            # every answer on the way to the last

    # -- canary helpers
    def file_canary(self):
        d = self.p["_tmp"]
        path = os.path.join(d, self.token + ".txt")
        with open(path, "w") as f:
            f.write("FILECANARY" + self.token)
        self.leak_strings.append("FILECANARY" + self.token)
        return "file://" + path

    def url_canary(self, suffix=""):
        return "%s/%s%s" % (self.canary.base, self.token, suffix)

    # -- sending
    def _send(self, method, url, data=None, headers=None, stream_limit=4_000_000):
        headers = {**(self.p.get("headers") or {}), **(headers or {})}
        t0 = time.monotonic()
        st, hd, body = self.s.request(method, url, data, headers, self.timeout, stream_limit)
        self.trail.append(Resp(st, hd, body, time.monotonic() - t0, url))
        # As a browser does, within the target: what counts is where the person ends up.
        origin = urllib.parse.urlsplit(url)[:2]
        for _ in range(5):
            here = self.trail[-1]
            there = urllib.parse.urljoin(here.url, here.headers.get("Location", ""))
            if here.status not in (301, 302, 303, 307) or urllib.parse.urlsplit(there)[:2] != origin:
                break
            st, hd, body = self.s.request("GET", there, None, headers_of_follower(headers), self.timeout, stream_limit)
            self.trail.append(Resp(st, hd, body, time.monotonic() - t0, there))
        self.last = self.trail[-1]
        return self.last

    def raw(self, request_bytes, url=None, read=65536):
        """Send bytes as they are (HTTP-level oddities)."""
        u = urllib.parse.urlsplit(url or self.p["sso"])
        t0 = time.monotonic()
        with socket.create_connection((u.hostname, u.port or (443 if u.scheme == "https" else 80)), timeout=self.timeout) as sk:
            if u.scheme == "https":
                cx = ssl._create_unverified_context()
                sk = cx.wrap_socket(sk, server_hostname=u.hostname)
            sk.sendall(request_bytes)
            sk.settimeout(self.timeout)
            resp = http.client.HTTPResponse(sk)
            resp.begin()
            body = resp.read(read)
        self.last = Resp(resp.status, Headers(resp.getheaders()), body, time.monotonic() - t0, url or self.p["sso"])
        return self.last

    def post(self, xml, relay=None, param="SAMLRequest", url=None, encode=True, extra=None, **kw):
        if isinstance(xml, str):
            xml = xml.encode("utf-8", "surrogateescape")
        d = [(param, base64.b64encode(xml).decode() if encode else xml.decode("latin1"))]
        if relay is not None:
            d.append(("RelayState", relay))
        d += list(extra or [])
        return self._send("POST", url or self.p.get("sso_post") or self.p["sso"], data=d, **kw)

    def redirect_query(self, xml, relay=None, sigalg=dsig.RSA_SHA256, key="sp", param="SAMLRequest", hmac_key=None, raw=False, enc=saml.q):
        b = xml if raw else saml.deflate(xml)
        parts = ["%s=%s" % (param, enc(saml.b64(b)))]
        if relay is not None:
            parts.append("RelayState=" + enc(relay))
        if key is not None:
            k = self.key if key == "sp" else key
            parts.append("SigAlg=" + enc(sigalg))
            parts.append("Signature=" + enc(saml.b64(dsig.raw_sign(k, sigalg, "&".join(parts).encode(), hmac_key))))
        return "&".join(parts)

    def redirect(self, xml=None, relay=None, query=None, url=None, **kw):
        qs = query if query is not None else self.redirect_query(xml, relay, **kw)
        base = url or self.p.get("sso_redirect") or self.p["sso"]
        return self._send("GET", base + ("&" if "?" in base else "?") + qs)

    # -- builders
    def req(self, **o):
        p = self.p
        o.setdefault("issuer", p["sp_entity_id"])
        o.setdefault("acs", p["acs_url"])
        o.setdefault("destination", p.get("sso_destination") or p["sso"])
        if p.get("nameid_policy") is not None:
            o.setdefault("policy", p["nameid_policy"])
        if p.get("rac"):
            o.setdefault("rac", p["rac"])
        return saml.authn_request(**o)

    def signed(self, xml=None, key=None, cert=None, **o):
        root = dsig.parse(xml or self.req())
        dsig.sign(root, root, key or self.key, cert or self.cert, **o)
        return dsig.ser(root)

    def logout(self, **o):
        o.setdefault("issuer", self.p["sp_entity_id"])
        o.setdefault("destination", self.p["slo"])
        return saml.logout_request(**o)

    def logout_response(self, **o):
        return saml.logout_response(issuer=self.p["sp_entity_id"], destination=self.p["slo"], irt=saml.rid(), **o)

    def slo_post(self, xml, **kw):
        return self.post(xml, url=self.p["slo"], **kw)

    def slo_redirect(self, xml=None, **kw):
        return self.redirect(xml, url=self.p["slo"], **kw)

    def artifact_resolve(self, **o):
        o.setdefault("issuer", self.p["sp_entity_id"])
        o.setdefault("destination", self.p["artifact"])
        o.setdefault("artifact", saml.artifact(self.p["idp_entity_id"]))
        return saml.artifact_resolve(**o)

    def soap(self, envelope):
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"http://www.oasis-open.org/committees/security"'}
        return self._send("POST", self.p["artifact"], data=envelope, headers=headers)

    # -- metadata
    def import_md(self, xml):
        """Brings a service's metadata in, with an agreement that fits, as an operator does: into the folder that the target watches."""
        m = self.p["metadata_import"]
        xml = xml.encode() if isinstance(xml, str) else xml
        name = re.search(rb'entityID="([^"]*)"', xml).group(1).decode()
        if not name.startswith("https:") or len(name) > 1024:
            name = "https://md.corpus.example/sp"           # of the agreement, which must not be what is refused
        agency = os.path.join(m["folder"], "sp", "hostile")
        record = os.path.join(agency, "service")
        os.makedirs(record)
        with open(m["agreement"]) as f:
            agreement = f.read().replace('agency_id = "corpus"', 'agency_id = "hostile"').replace(self.p["sp_entity_id"], name)
        for file, octets in (("metadata.xml", xml), ("agreement.toml", agreement.encode())):
            # Whole, or not at all: the target looks whenever it likes.
            with open(os.path.join(record, ".new"), "wb") as f:
                f.write(octets)
            os.rename(os.path.join(record, ".new"), os.path.join(record, file))
        t0 = time.monotonic()
        try:
            # Without settings, a check is as strict as production, which takes no agency of the demonstration.
            with tempfile.TemporaryDirectory() as production:
                for known in ("corpus", "hostile"):
                    shutil.copytree(os.path.join(m["folder"], "sp", known), os.path.join(production, "sp", known))
                check = self._signet("--settings", os.devnull, "sp", "check", production)
            apply = self._signet("--settings", m["settings"], "sp", "apply", m["folder"])
        finally:
            shutil.rmtree(agency)
            self._signet("--settings", m["settings"], "sp", "apply", m["folder"])
        self.last = Imported(check, apply, time.monotonic() - t0)
        return self.last

    def _signet(self, *arguments):
        return subprocess.run([self.p["metadata_import"]["signet"], *arguments], capture_output=True, timeout=self.timeout)


class Imported(Resp):
    """What `signet sp check` and `signet sp apply` came to."""
    def __init__(self, check, apply, elapsed):
        said = check.stdout + check.stderr + apply.stdout + apply.stderr
        super().__init__(0, {}, said, elapsed, "the terminal")
        codes = {check.returncode, apply.returncode}
        if codes - {0, 1} or b"panicked" in said:
            self.verdict = CRASH
        elif codes == {0}:
            self.verdict = IMPORTED
        else:
            self.verdict = REJECTED if apply.returncode else APPLIED if check.returncode else OTHER


# ---- classification -----------------------------------------------------------------------------------------------------
def find_saml(resp):
    """-> (param, decoded xml, delivery url) of a SAML message in the answer, if any."""
    loc = resp.headers.get("Location", "") if resp.headers else ""
    for prm in ("SAMLResponse", "SAMLRequest"):
        if prm + "=" in loc:
            qd = urllib.parse.parse_qs(urllib.parse.urlsplit(loc).query)
            try:
                return prm, saml.inflate(base64.b64decode(qd[prm][0])), loc.split("?")[0]
            except Exception:
                return prm, b"", loc.split("?")[0]
        m = re.search(r'name=["\']%s["\'][^>]*?value=["\']([^"\']+)' % prm, resp.text, re.S) or re.search(r'value=["\']([^"\']+)["\'][^>]*?name=["\']%s["\']' % prm, resp.text, re.S)
        if m:
            f = re.search(r'<form[^>]*action=["\']([^"\']*)', resp.text, re.S)
            try:
                return prm, base64.b64decode(html.unescape(m.group(1))), html.unescape(f.group(1)) if f else ""
            except Exception:
                return prm, b"", ""
    is_xml = "xml" in (resp.headers or {}).get("Content-Type", "")     # a page may tell its engineer of a samlp:LogoutResponse
    if is_xml and b"urn:oasis:names:tc:SAML:2.0:protocol" in resp.body:
        return "SOAP", resp.body, resp.url
    return None, None, None


def status_codes(xml):
    try:
        root = dsig.parse(xml)
        return [e.get("Value", "").rsplit(":", 1)[-1] for e in root.iter("{%s}StatusCode" % saml.SAMLP)], bool(list(root.iter("{%s}Assertion" % saml.SAML)) or list(root.iter("{%s}EncryptedAssertion" % saml.SAML)))
    except Exception:
        return [], b"Assertion" in (xml or b"")


def classify(c, ctx, resp, exc):
    """-> (verdict, detail)."""
    hits = [h for h in ctx.canary.hits if ctx.token in h]
    if hits:
        return LEAK, "target fetched %s" % hits[0]
    if exc is not None:
        if isinstance(exc, (TimeoutError, socket.timeout, subprocess.TimeoutExpired)):
            return HANG, "no answer in %ss" % ctx.timeout
        if isinstance(exc, (http.client.HTTPException, OSError)):
            return CRASH, "connection failed: %s" % str(exc)[:100]
        raise exc
    for answer in ctx.trail + [resp]:
        for s in ctx.leak_strings:
            if s in answer.text:
                return LEAK, "canary content in answer"
        for s in ctx.bad_strings:
            if s in answer.text or s in str(dict(answer.headers or {})):
                return REFLECT, "payload came back unescaped: %.40r" % s
    if isinstance(resp, Imported):
        faults = [line for line in resp.text.splitlines() if "/hostile/service/" in line]
        if resp.verdict != IMPORTED and not (faults and all(re.search(c.says or "(?!)", line) for line in faults)):
            return OTHER, resp.text[-300:]
        return resp.verdict, (faults or resp.text.splitlines()[-1:])[0][-200:]
    loc = (resp.headers or {}).get("Location", "")
    prm, xml, dest = find_saml(resp)
    for u in (loc, dest or ""):
        h = (urllib.parse.urlsplit(u.replace("\\", "/")).hostname or "") if u else ""
        if ctx.EVIL in h or u.lower().lstrip().startswith(("javascript:", "data:", "vbscript:")):
            return EVIL, "answer goes to %.80s" % u
    if re.search(r'action=["\'][^"\']*(%s|javascript:)' % re.escape(ctx.EVIL), resp.text, re.I) or re.search(r'href=["\']\s*javascript:', resp.text, re.I):
        return EVIL, "page points at attacker URL"
    if resp.status == 503 or resp.status == 429:
        return SHED, "HTTP %d" % resp.status
    if resp.status >= 500:
        return ERR5, "HTTP %d" % resp.status
    if prm:
        codes, has_a = status_codes(xml)
        if prm == "SAMLRequest":
            return ACC, "IdP went on with %s" % prm
        if codes[:1] == ["Success"] or has_a:
            return ACC_OK, "SAML message: %s%s" % ("/".join(codes), " with assertion" if has_a else "")
        return SAML_ERR, "status %s to %.60s" % ("/".join(codes), dest)
    if 400 <= resp.status < 500:
        return REJECTED, "HTTP %d" % resp.status
    if resp.status < 300 and re.search(ctx.p["accept_marker"], resp.text):
        return ACC, "a page of sign-in"
    return SOFT, "HTTP %d without a page of sign-in" % resp.status


def rss_kb(pid):
    """Sum RSS of a process and its children (Linux)."""
    tot = 0
    try:
        kids = subprocess.run(["ps", "-o", "rss=", "--pid", str(pid), "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
        tot = sum(int(k) for k in kids)
    except Exception:
        pass
    return tot
