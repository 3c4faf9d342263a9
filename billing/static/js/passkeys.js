// Asks the browser for a passkey with the options that the page carries, and sends its answer.
// <form data-passkey="create|get" data-options="{...}"> with a hidden field "credential".

const toBytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const known = (credentials) =>
  (credentials ?? []).map((credential) => ({ ...credential, id: toBytes(credential.id) }));

async function create(options) {
  const credential = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: known(options.excludeCredentials),
    },
  });
  const { response } = credential;
  return {
    ...described(credential),
    extensions: JSON.stringify(credential.getClientExtensionResults()),
    response: {
      attestationObject: toText(response.attestationObject),
      clientDataJSON: toText(response.clientDataJSON),
      transports: response.getTransports?.() ?? [],
    },
  };
}

async function get(options) {
  const credential = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      allowCredentials: known(options.allowCredentials),
    },
  });
  const { response } = credential;
  return {
    ...described(credential),
    response: {
      authenticatorData: toText(response.authenticatorData),
      clientDataJSON: toText(response.clientDataJSON),
      signature: toText(response.signature),
      userHandle: response.userHandle ? toText(response.userHandle) : null,
    },
  };
}

const described = (credential) => ({
  id: credential.id,
  rawId: toText(credential.rawId),
  type: credential.type,
});

function reason(error) {
  if (!window.PublicKeyCredential) return "This browser does not know passkeys.";
  if (error.name === "InvalidStateError") return "This device holds a passkey for you already.";
  if (error.name === "SecurityError")
    return "Passkeys need a host name: open this page as localhost or by its domain, over https.";
  return "Your browser did not get a passkey. Nothing was changed.";
}

async function run(form) {
  const part = (name) => form.querySelector(`[data-passkey-${name}]`);
  part("error").hidden = true;
  part("again").hidden = true;
  part("waiting").hidden = false;
  try {
    const ask = { create, get }[form.dataset.passkey];
    const credential = await ask(JSON.parse(form.dataset.options));
    form.elements.credential.value = JSON.stringify(credential);
    form.requestSubmit();
  } catch (error) {
    part("error").textContent = reason(error);
    part("error").hidden = false;
    part("waiting").hidden = true;
    part("again").hidden = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  // Some browsers want a press of a button before they ask.
  form.querySelector("[data-passkey-again]").addEventListener("click", () => run(form));
  run(form);
}
