"""A service provider on python3-saml: strict, everything signed and encrypted, schema-valid, no deprecated algorithm."""
import json
import os
import re
import secrets
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request
from onelogin.saml2.settings import OneLogin_Saml2_Settings

BASE, STATE = os.environ["BASE"], os.environ["STATE"]
BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-"
PENDING = set()     # ids of requests that wait for their answer
SIGNED_IN = {}      # session cookie -> what the page shows
SIGNING_OUT = set()  # ids of logout requests that wait for their answer


def pem(path):
    with open(path) as file:
        return "".join(line for line in file.read().splitlines() if "-----" not in line)


def settings():
    own = {
        "strict": True,
        "sp": {
            "entityId": BASE + "/metadata",
            "assertionConsumerService": {"url": BASE + "/acs", "binding": BINDING + "POST"},
            "singleLogoutService": {"url": BASE + "/slo", "binding": BINDING + "Redirect"},
            "NameIDFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            "x509cert": pem(STATE + "/etc/sp.crt"),
            "privateKey": pem(STATE + "/etc/sp.key"),
        },
        "security": {
            "authnRequestsSigned": True,
            "logoutRequestSigned": True,
            "logoutResponseSigned": True,
            "wantMessagesSigned": True,
            "wantAssertionsSigned": True,
            "wantAssertionsEncrypted": True,
            "wantNameId": True,
            "wantAttributeStatement": True,
            "wantXMLValidation": True,
            "requestedAuthnContext": False,
            "rejectDeprecatedAlgorithm": True,
            "allowRepeatAttributeName": False,
            "signatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "digestAlgorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
        },
    }
    with open(os.environ["IDP_METADATA"]) as file:
        idp = OneLogin_Saml2_IdPMetadataParser.parse(file.read())
    return OneLogin_Saml2_IdPMetadataParser.merge_settings(idp, own)


SETTINGS = settings()


class Handler(BaseHTTPRequestHandler):
    def auth(self, post=None):
        url = urlsplit(self.path)
        return OneLogin_Saml2_Auth(
            {"https": "off", "http_host": urlsplit(BASE).netloc, "script_name": url.path, "get_data": dict(parse_qsl(url.query)),
             "post_data": post or {}, "query_string": url.query}, SETTINGS)

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/metadata":
            own = OneLogin_Saml2_Settings(SETTINGS, sp_validation_only=True)
            metadata = own.get_sp_metadata()
            faults = own.validate_metadata(metadata)
            return self.show(500, {"error": faults}) if faults else self.send(200, "application/samlmetadata+xml", metadata)
        session = re.search(r"python3-saml=([^;]+)", self.headers.get("Cookie", ""))
        if path == "/logout":
            # Our own session ends whatever comes of it; then everybody is asked.
            return self.ask_for_logout(SIGNED_IN.pop(session[1])) if session and session[1] in SIGNED_IN else self.redirect("/signed-out")
        if path == "/slo":
            return self.single_logout()
        if path == "/signed-out":
            return self.show(200, {"sp": "python3-saml", "session": bool(session and session[1] in SIGNED_IN)})
        if path == "/secure":
            if session and session[1] in SIGNED_IN:
                return self.show(200, SIGNED_IN[session[1]])
            auth = self.auth()
            address = auth.login(return_to=BASE + "/secure")
            PENDING.add(auth.get_last_request_id())
            return self.redirect(address)
        return self.show(404, {"error": "no such page"})

    def ask_for_logout(self, person):
        auth = self.auth()
        # By the very name that the assertion had, and its session.
        address = auth.logout(
            return_to=BASE + "/signed-out", name_id=person["nameid"], name_id_format=person["nameid_format"],
            nq=person["nq"], spnq=person["spnq"], session_index=person["session_index"])
        SIGNING_OUT.add(auth.get_last_request_id())
        return self.redirect(address)

    def single_logout(self):
        auth = self.auth()
        address = auth.process_slo(keep_local_session=True)
        if auth.get_errors():
            return self.show(403, {"sp": "python3-saml", "error": auth.get_errors(), "detail": auth.get_last_error_reason()})
        if address is None:
            response = auth.get_last_response_xml()
            answers = re.search(r'InResponseTo="([^"]+)"', response.decode() if isinstance(response, bytes) else response)[1]
            if answers not in SIGNING_OUT:
                return self.show(403, {"sp": "python3-saml", "error": "the LogoutResponse answers no request of ours"})
            SIGNING_OUT.remove(answers)
            return self.redirect("/signed-out?answer=success")
        request = auth.get_last_request_xml()
        name, indexes = OneLogin_Saml2_Logout_Request.get_nameid(request), OneLogin_Saml2_Logout_Request.get_session_indexes(request)
        for cookie, person in list(SIGNED_IN.items()):
            if person["nameid"] == name and person["session_index"] in indexes:
                del SIGNED_IN[cookie]
        return self.redirect(address)

    def do_POST(self):
        if self.path != "/acs":
            return self.show(404, {"error": "no such page"})
        form = dict(parse_qsl(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()))
        auth = self.auth(form)
        auth.process_response()
        if auth.get_errors() or not auth.is_authenticated():
            return self.show(403, {"sp": "python3-saml", "error": auth.get_errors(), "detail": auth.get_last_error_reason()})
        # Each request is answered once.
        if auth.get_last_response_in_response_to() not in PENDING:
            return self.show(403, {"sp": "python3-saml", "error": "the Response answers no request of ours"})
        PENDING.remove(auth.get_last_response_in_response_to())
        response = auth.get_last_response_xml()
        response = response.decode() if isinstance(response, bytes) else response
        session = secrets.token_urlsafe()
        SIGNED_IN[session] = {
            "sp": "python3-saml", "nameid": auth.get_nameid(), "nameid_format": auth.get_nameid_format(),
            "nq": auth.get_nameid_nq(), "spnq": auth.get_nameid_spnq(),
            "authn_context": (auth.get_last_authn_contexts() or [None])[0], "session_index": auth.get_session_index(),
            "idp": re.search(r"Issuer[^>]*>([^<]+)<", response)[1], "attributes": auth.get_attributes(),
        }
        return self.redirect(auth.redirect_to(form.get("RelayState", BASE + "/secure")), session)

    def show(self, status, value):
        self.send(status, "application/json", json.dumps(value))

    def redirect(self, to, session=None):
        self.send_response(303)
        self.send_header("Location", to)
        if session:
            self.send_header("Set-Cookie", f"python3-saml={session}; Path=/; HttpOnly")
        self.end_headers()

    def send(self, status, kind, body):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
