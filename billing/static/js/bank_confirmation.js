// The bank's question on our own page. Without this script, or when Stripe's does not load, the
// same link leads to Stripe's page for the invoice. Whatever the bank is told, the server then looks
// what came of it and says so.

const page = document.querySelector("[data-bank-confirmation]");
const link = page?.querySelector("[data-ask]");
const back = page?.querySelector("[data-actions] form");
let asking = false;

// The secret is fetched when it is needed, and stands in no page.
async function clientSecret() {
  const answer = await fetch(page.dataset.secretUrl, {
    method: "POST",
    headers: { "X-CSRFToken": page.dataset.csrfToken, Accept: "application/json" },
  });
  const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
  const told = isJson ? await answer.json() : {};
  // The payment was settled in another tab: looking tells how.
  if (answer.status === 409) return null;
  // A page instead of JSON is the sign-in page: the session ended meanwhile.
  if (!answer.ok || !told.client_secret) throw new Error(told.message || "");
  return told.client_secret;
}

async function ask(event) {
  event?.preventDefault();
  if (asking) return;
  asking = true;
  link?.setAttribute("aria-busy", "true");
  try {
    const secret = await clientSecret();
    if (secret) await window.Stripe(page.dataset.publishableKey).handleNextAction({ clientSecret: secret });
    back.requestSubmit();
    return;
  } catch (error) {
    const known = error instanceof TypeError ? "" : error.message;
    say(known || "We could not reach your bank from this page. You were not charged. Please try again.");
  }
  link?.removeAttribute("aria-busy");
  asking = false;
}

function say(message) {
  const problem = page.querySelector("[data-problem]");
  problem.textContent = message;
  problem.hidden = false;
  problem.focus();
}

if (page && window.Stripe) {
  link?.addEventListener("click", ask);
  if ("atOnce" in page.dataset) {
    // Once only: reloading the page leaves it to the reader.
    const here = new URL(location.href);
    here.searchParams.delete("confirm");
    history.replaceState(null, "", here);
    ask();
  }
}
