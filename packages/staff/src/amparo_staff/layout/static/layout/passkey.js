// Passkeys: hands the page's options to the browser, puts its answer into the form and sends it. Without this file the page
// still works with a one-time code. Nothing is kept and nothing is sent elsewhere.
"use strict";

const bytes = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
};

const text = (buffer) => {
  const plain = Array.from(new Uint8Array(buffer), (each) => String.fromCharCode(each)).join("");
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

const keys = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

const asked = (options, kind) => {
  const read = { ...options, challenge: bytes(options.challenge) };
  if (kind === "create") {
    read.user = { ...options.user, id: bytes(options.user.id) };
    read.excludeCredentials = keys(options.excludeCredentials);
  } else {
    read.allowCredentials = keys(options.allowCredentials);
  }
  return { publicKey: read };
};

const told = (credential) => {
  const response = { clientDataJSON: text(credential.response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return JSON.stringify({
    id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: {},
  });
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  const error = form.querySelector("[data-passkey-error]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    const kind = form.dataset.passkey;
    try {
      const credential = await navigator.credentials[kind](asked(JSON.parse(form.dataset.options), kind));
      form.elements.answer.value = told(credential);
      form.submit();
    } catch {
      error.hidden = false;
      error.focus();
    }
  });
}
