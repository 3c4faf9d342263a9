// Saves a payment method with Stripe's Payment Element, or pays once with one that is not saved
// (`data-amount` says how much). Card data goes from Stripe's own frame to Stripe; this page sees
// none of it. The server is asked for the intent's secret when the page opens, and before paying
// once more: what this page shows may have been paid, or changed in another tab.

const form = document.querySelector("[data-payment-element]");
const part = (name) => form.querySelector(`[data-${name}]`);
const save = part("save");
const pays = "amount" in form.dataset;
const problem = part("problem");
// Where a payment waits for the new method, it is charged in the same press.
const thenPay = document.querySelector("[data-then-pay]");
const darkness = window.matchMedia("(prefers-color-scheme: dark)");

function giveUp(message) {
  form.hidden = true;
  const fallback = document.querySelector("[data-payment-fallback]");
  if (message) fallback.querySelector("[data-fallback-message]").textContent = message;
  fallback.hidden = false;
}

async function clientSecret() {
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { "X-CSRFToken": form.dataset.csrfToken, Accept: "application/json" },
    body: new URLSearchParams(
      pays ? { amount: form.dataset.amount } : { attempt: form.dataset.attempt },
    ),
  });
  const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
  const told = isJson ? await answer.json() : {};
  // A page instead of JSON is the sign-in page: the session ended meanwhile.
  if (!answer.ok || !told.client_secret) throw new Error(told.message || "");
  return told.client_secret;
}

// The element lives in a frame that our stylesheets do not reach, so it is told our colours.
function appearance() {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  return {
    theme: darkness.matches ? "night" : "stripe",
    variables: {
      colorPrimary: token("--brand-text"),
      colorBackground: token("--surface"),
      colorText: token("--text"),
      colorTextSecondary: token("--muted"),
      colorDanger: token("--bad"),
      borderRadius: "7px",
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSizeBase: "15px",
    },
  };
}

function busy(isBusy) {
  save.disabled = isBusy;
  if (isBusy) save.setAttribute("aria-busy", "true");
  else save.removeAttribute("aria-busy");
}

function say(message) {
  problem.textContent = message;
  problem.hidden = !message;
  if (message) problem.focus();
}

function returnUrl() {
  const url = new URL(form.dataset.returnUrl);
  if (part("make-default")?.checked) url.searchParams.set("default", "yes");
  return url.href;
}

async function start() {
  form.hidden = false;
  if (!window.Stripe) return giveUp();
  let secret;
  try {
    secret = await clientSecret();
  } catch (error) {
    return giveUp(error instanceof TypeError ? "" : error.message);
  }
  const stripe = window.Stripe(form.dataset.publishableKey);
  const elements = stripe.elements({ clientSecret: secret, appearance: appearance() });
  darkness.addEventListener("change", () => elements.update({ appearance: appearance() }));
  const element = elements.create("payment");
  element.on("ready", () => {
    part("waiting").hidden = true;
    busy(false);
  });
  element.on("loaderror", ({ error }) => giveUp(error?.message));
  element.mount(part("mount"));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (save.disabled) return;
    say("");
    busy(true);
    const failure = pays
      ? "You were not charged."
      : `Nothing was saved${thenPay ? " and you were not charged" : ""}.`;
    try {
      if (pays) await clientSecret();
    } catch (error) {
      busy(false);
      say(error instanceof TypeError || !error.message ? `We could not check. ${failure}` : error.message);
      return;
    }
    const confirm = pays ? stripe.confirmPayment : stripe.confirmSetup;
    const { error, setupIntent } = await confirm({
      elements,
      confirmParams: { return_url: returnUrl() },
      redirect: thenPay ? "if_required" : "always",
    });
    if (!error && thenPay) {
      thenPay.elements.setup_intent.value = setupIntent.id;
      thenPay.requestSubmit();
      return;
    }
    // Only a failure comes back here: otherwise Stripe leads to the return address.
    busy(false);
    say(`${error.message || "Your bank did not accept it."} ${failure}`);
  });
}

start();
