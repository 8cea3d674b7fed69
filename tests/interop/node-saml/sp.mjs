// A service provider on @node-saml/node-saml: requests signed, message and assertion signed, assertion encrypted, each request
// answered once.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const { BASE, PORT, STATE, IDP, SSO, SLO, CERTIFICATE, PACKAGES } = process.env;
const { SAML, ValidateInResponseTo } = createRequire(`${PACKAGES}/package.json`)("@node-saml/node-saml");
const key = readFileSync(`${STATE}/etc/sp.key`, "utf8");
const certificate = readFileSync(`${STATE}/etc/sp.crt`, "utf8");
const signedIn = new Map(); // session cookie -> what the page shows

const saml = new SAML({
  issuer: `${BASE}/metadata`,
  audience: `${BASE}/metadata`,
  callbackUrl: `${BASE}/acs`,
  logoutCallbackUrl: `${BASE}/slo`,
  entryPoint: SSO,
  logoutUrl: SLO,
  idpIssuer: IDP,
  idpCert: CERTIFICATE,
  privateKey: key,
  publicCert: certificate,
  decryptionPvk: key,
  signatureAlgorithm: "sha256",
  digestAlgorithm: "sha256",
  wantAuthnResponseSigned: true,
  wantAssertionsSigned: true,
  validateInResponseTo: ValidateInResponseTo.always,
  identifierFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
  disableRequestedAuthnContext: true,
});

// Its metadata offers HTTP-POST for logout, but with validateInResponseTo it looks for InResponseTo in a Response alone when
// an answer comes by POST. By Redirect it is complete.
const metadata = () =>
  saml.generateServiceProviderMetadata(certificate, certificate).replace(/(<SingleLogoutService [^>]*bindings:HTTP-)POST/, "$1Redirect");

// Whom the cookie means, if anybody.
const session = (request) => /(?:^|; )node-saml=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];

async function consume(form) {
  const { profile } = await saml.validatePostResponseAsync(Object.fromEntries(form));
  const statement = profile.getAssertion().Assertion.AuthnStatement[0];
  const attributes = Object.entries(profile.attributes ?? {}).map(([name, value]) => [name, [value].flat()]);
  const cookie = randomBytes(32).toString("base64url");
  signedIn.set(cookie, {
    sp: "node-saml",
    nameid: profile.nameID,
    nameid_format: profile.nameIDFormat,
    name_qualifier: profile.nameQualifier,
    sp_name_qualifier: profile.spNameQualifier,
    authn_context: statement.AuthnContext[0].AuthnContextClassRef[0]._,
    session_index: profile.sessionIndex,
    idp: profile.issuer,
    attributes: Object.fromEntries(attributes),
  });
  return cookie;
}

// Our own session ends whatever comes of it; then everybody is asked.
function askForLogout(cookie) {
  const person = signedIn.get(cookie);
  signedIn.delete(cookie);
  return saml.getLogoutUrlAsync({
    issuer: person.idp,
    nameID: person.nameid,
    nameIDFormat: person.nameid_format,
    nameQualifier: person.name_qualifier,
    spNameQualifier: person.sp_name_qualifier,
    sessionIndex: person.session_index,
  }, "", {});
}

async function singleLogout(url) {
  const query = Object.fromEntries(url.searchParams);
  // It passes a message without a signature.
  if (!query.Signature) throw new Error("the logout message is not signed");
  const { profile } = await saml.validateRedirectAsync(query, url.search.slice(1));
  if (query.SAMLResponse) return `${BASE}/signed-out?answer=success`;
  for (const [cookie, person] of signedIn) {
    if (person.nameid === profile.nameID && person.session_index === profile.sessionIndex) signedIn.delete(cookie);
  }
  return saml.getLogoutResponseUrlAsync(profile, query.RelayState ?? "", {}, true);
}

async function answer(request, response) {
  const url = new URL(request.url, BASE);
  const cookie = session(request);
  const show = (status, value) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value, null, 1));
  const redirect = (to, headers = {}) => response.writeHead(303, { Location: to, ...headers }).end();
  switch (`${request.method} ${url.pathname}`) {
    case "GET /metadata":
      return response.writeHead(200, { "Content-Type": "application/samlmetadata+xml" }).end(metadata());
    case "GET /secure":
      return signedIn.has(cookie) ? show(200, signedIn.get(cookie)) : redirect(await saml.getAuthorizeUrlAsync(`${BASE}/secure`, undefined, {}));
    case "POST /acs": {
      let body = "";
      for await (const chunk of request) body += chunk;
      const begun = await consume(new URLSearchParams(body));
      return redirect(`${BASE}/secure`, { "Set-Cookie": `node-saml=${begun}; Path=/; HttpOnly` });
    }
    case "GET /logout":
      return redirect(signedIn.has(cookie) ? await askForLogout(cookie) : `${BASE}/signed-out`);
    case "GET /slo":
      return redirect(await singleLogout(url));
    case "GET /signed-out":
      return show(200, { sp: "node-saml", session: signedIn.has(cookie) });
    default:
      return show(404, { error: "no such page" });
  }
}

createServer((request, response) => {
  answer(request, response).catch((fault) => {
    console.error(fault);
    response.writeHead(403, { "Content-Type": "application/json" }).end(JSON.stringify({ sp: "node-saml", error: fault.message }));
  });
}).listen(Number(PORT), "127.0.0.1");
