"""A mail server (aiosmtpd, Debian's python3-aiosmtpd) that takes mail over TLS from whoever knows the password.

server.py PORT FOLDER CERTIFICATE KEY tls|starttls: each mail becomes FOLDER/NUMBER.txt with its recipient and its text.
"""
import email
import email.policy
import os
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

PORT, FOLDER, CERTIFICATE, KEY, KIND = sys.argv[1:6]


class Keep:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.count += 1
        name = os.path.join(FOLDER, f"{self.count}.txt")
        with open(name + ".new", "w", encoding="utf-8") as file:
            file.write(",".join(envelope.rcpt_tos) + "\n" + mail.get_body(("plain",)).get_content())
        os.rename(name + ".new", name)
        return "250 kept"


def judge(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"signet", b"mail & password")
    return AuthResult(success=right, handled=False)


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(CERTIFICATE, KEY)
more = {"ssl_context": tls} if KIND == "tls" else {"tls_context": tls, "require_starttls": True}
# With TLS from the first octet aiosmtpd does not notice it, and would offer no AUTH.
more["auth_require_tls"] = KIND != "tls"
Controller(
    Keep(), hostname="127.0.0.1", port=int(PORT), authenticator=judge, auth_required=True, server_hostname="localhost", **more
).start()
while True:
    time.sleep(3600)
