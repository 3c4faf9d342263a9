// The bank's question on our own page. Without this script, or when Stripe's does not load, the
// same link leads to Stripe's page for the invoice.

const page = document.querySelector("[data-bank-confirmation]");

if (page && window.Stripe) {
  const link = page.querySelector("[data-actions] a");
  const checked = page.querySelector("[data-actions] form");
  let asking = false;

  const ask = async (event) => {
    if (asking) {
      event?.preventDefault();
      return;
    }
    asking = true;
    event?.preventDefault();
    link?.setAttribute("aria-busy", "true");
    try {
      const stripe = window.Stripe(page.dataset.publishableKey);
      const { error } = await stripe.handleNextAction({ clientSecret: page.dataset.clientSecret });
      if (!error) {
        checked.requestSubmit();
        return;
      }
      say(error.message || "Your bank did not confirm the payment.");
    } catch {
      say("We could not reach your bank from this page.");
    }
    // The payment may need another card now, which Stripe's own page offers.
    if (link) {
      link.removeAttribute("aria-busy");
      link.removeEventListener("click", ask);
      link.textContent = link.dataset.otherwise;
    }
    asking = false;
  };

  const say = (message) => {
    const problem = page.querySelector("[data-problem]");
    problem.textContent = `${message} You were not charged. You can try again, or pay with another card.`;
    problem.hidden = false;
    problem.focus();
  };

  link?.addEventListener("click", ask);
  if ("atOnce" in page.dataset) {
    // Once only: reloading the page leaves it to the reader.
    history.replaceState(null, "", location.pathname);
    ask();
  }
}
