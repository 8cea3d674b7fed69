// Passkeys and security keys: asks our server for the options, the browser for the answer, and takes the answer back.
// The form says where (data-options, data-result) and which ceremony (data-webauthn: "create" or "get").
const csrf = document.querySelector('meta[name="csrf"]').content;

const base64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));

// Older browsers lack the JSON helpers of WebAuthn Level 3; then the few fields that we use are read by hand.
function creationOptions(json) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  return {
    ...json,
    challenge: bytes(json.challenge),
    user: { ...json.user, id: bytes(json.user.id) },
    excludeCredentials: (json.excludeCredentials ?? []).map((one) => ({ ...one, id: bytes(one.id) })),
  };
}

function requestOptions(json) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  return {
    ...json,
    challenge: bytes(json.challenge),
    allowCredentials: (json.allowCredentials ?? []).map((one) => ({ ...one, id: bytes(one.id) })),
  };
}

function asJson(credential) {
  const { id, rawId, type, response } = credential;
  const answer = { clientDataJSON: base64url(response.clientDataJSON) };
  if (response.attestationObject) {
    answer.attestationObject = base64url(response.attestationObject);
    answer.transports = response.getTransports?.() ?? [];
  } else {
    answer.authenticatorData = base64url(response.authenticatorData);
    answer.signature = base64url(response.signature);
    if (response.userHandle) answer.userHandle = base64url(response.userHandle);
  }
  const clientExtensionResults = {};
  const { credProps, prf } = credential.getClientExtensionResults();
  if (credProps) clientExtensionResults.credProps = credProps;
  if (prf && "enabled" in prf) clientExtensionResults.prf = { enabled: prf.enabled };
  return { id, rawId: base64url(rawId), type, response: answer, clientExtensionResults };
}

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json", accept: "application/json", "x-csrf": csrf },
    body: JSON.stringify(body),
  });
  const read = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error("refused"), { next: read.next });
  return read;
}

for (const form of document.querySelectorAll("[data-webauthn]")) {
  const button = form.querySelector("button[type=submit]");
  const show = (problem) => {
    for (const box of form.querySelectorAll("[data-problem]")) box.hidden = box.dataset.problem !== problem;
  };
  if (!window.PublicKeyCredential) {
    show("unsupported");
    continue;
  }
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    show(null);
    button.disabled = true;
    try {
      const { publicKey } = await post(form.dataset.options, {});
      const credential =
        form.dataset.webauthn === "create"
          ? await navigator.credentials.create({ publicKey: creationOptions(publicKey) })
          : await navigator.credentials.get({ publicKey: requestOptions(publicKey) });
      const answer = { answer: asJson(credential) };
      const name = form.elements.namedItem("name");
      if (name) answer.name = name.value;
      const { next } = await post(form.dataset.result, answer);
      location.assign(next);
    } catch (error) {
      if (error.next) location.assign(error.next);
      else if (error.name === "NotAllowedError" || error.name === "AbortError") show("cancelled");
      else if (error.name === "InvalidStateError") show("known");
      else if (error.name === "NotSupportedError") show("unsupported");
      else show("refused");
      button.disabled = false;
    }
  });
}
