// The fields of the Payment Element, inside the sandbox's iframe.
import { ask, on, open, retrieve, tell } from "./frame.js";

const form = document.querySelector("form");
const fields = document.querySelector("[data-fields]");
const tabs = document.querySelector("[data-tabs]");
const announcer = document.querySelector("[data-announcer]");
const KINDS = ["card", "us_bank_account", "sepa_debit"];
let clientSecret = null;
let kinds = ["card"];
let reported = "";

const input = (name) => form.elements.namedItem(name);
const value = (name) => (input(name)?.value ?? "").trim();
const chosen = () => form.querySelector('input[name="type"]:checked').value;

// Typing -------------------------------------------------------------------------------------

const groups = (text) => (text.match(/.{1,4}/g) || []).join(" ");
const digits = (text, most) => text.replace(/\D/g, "").slice(0, most);
const FORMATS = {
  number: (text) => groups(digits(text, 19)),
  exp: (text) => {
    const kept = digits(text, 4);
    const month = kept.length === 1 && Number(kept) > 1 ? `0${kept}` : kept;
    return month.length > 2 || (month.length === 2 && kept.length === 1) ? `${month.slice(0, 2)} / ${month.slice(2)}` : month;
  },
  cvc: (text) => digits(text, 4),
  routing_number: (text) => digits(text, 9),
  account_number: (text) => digits(text, 17),
  iban: (text) => groups(text.toUpperCase().replace(/[^A-Z0-9]/g, "").slice(0, 34)),
};

for (const [name, format] of Object.entries(FORMATS)) {
  input(name).addEventListener("input", (event) => {
    const deleting = event.inputType?.startsWith("delete");
    const field = event.target;
    if (!deleting && field.selectionStart === field.value.length) field.value = format(field.value);
  });
}

// Checks -------------------------------------------------------------------------------------

const luhn = (number) => {
  let sum = 0;
  [...number].reverse().forEach((digit, index) => {
    const doubled = Number(digit) * (index % 2 ? 2 : 1);
    sum += doubled > 9 ? doubled - 9 : doubled;
  });
  return sum % 10 === 0;
};

const CHECKS = {
  card: {
    number: () => {
      const number = digits(value("number"));
      if (number.length < 13) return ["incomplete_number", "Your card number is incomplete."];
      return luhn(number) ? null : ["invalid_number", "Your card number is invalid."];
    },
    exp: () => {
      const kept = digits(value("exp"));
      if (kept.length < 4) return ["incomplete_expiry", "Your card's expiration date is incomplete."];
      const month = Number(kept.slice(0, 2));
      const year = 2000 + Number(kept.slice(2));
      if (month < 1 || month > 12) return ["invalid_expiry_month", "Your card's expiration month is invalid."];
      return new Date(year, month, 1) <= new Date() ? ["invalid_expiry_year_past", "Your card's expiration year is in the past."] : null;
    },
    cvc: () => (value("cvc").length < 3 ? ["incomplete_cvc", "Your card's security code is incomplete."] : null),
    country: () => (input("country").closest("[hidden]") || value("country") ? null : ["incomplete_country", "Choose your country."]),
  },
  us_bank_account: {
    name: () => (value("name") ? null : ["incomplete_name", "Your name is missing."]),
    routing_number: () => (value("routing_number").length === 9 ? null : ["incomplete_routing_number", "The routing number has nine digits."]),
    account_number: () => (value("account_number").length >= 4 ? null : ["incomplete_account_number", "Your account number is incomplete."]),
  },
  sepa_debit: {
    name: () => (value("name") ? null : ["incomplete_name", "Your name is missing."]),
    iban: () => (value("iban").replace(/\s/g, "").length >= 15 ? null : ["incomplete_iban", "Your IBAN is incomplete."]),
  },
};

const showError = (name, message) => {
  const note = document.getElementById(`${name}-note`);
  input(name).setAttribute("aria-invalid", message ? "true" : "false");
  note.textContent = message || "";
  note.hidden = !message;
};

/** Shows what is wrong; the first problem as Stripe.js words it, or null. */
const problem = () => {
  let first = null;
  for (const [name, check] of Object.entries(CHECKS[chosen()])) {
    const found = check();
    showError(name, found?.[1]);
    if (found && !first) first = { name, code: found[0], message: found[1] };
  }
  if (first) {
    announcer.textContent = first.message;
    input(first.name).focus();
  }
  height();
  return first && { error: { type: "validation_error", code: first.code, message: first.message } };
};

// What the page hears ------------------------------------------------------------------------

const height = () => tell("height", document.documentElement.getBoundingClientRect().height);

const changed = () => {
  const checks = Object.entries(CHECKS[chosen()]);
  const complete = checks.every(([, check]) => !check());
  const empty = checks.every(([name]) => name === "country" || !value(name));
  const state = { complete, empty, collapsed: false, value: { type: chosen() } };
  if (JSON.stringify(state) !== reported) {
    reported = JSON.stringify(state);
    tell("change", state);
  }
};

const showKind = () => {
  for (const part of form.querySelectorAll("[data-kind]")) {
    part.hidden = !part.dataset.kind.split(" ").includes(chosen());
  }
  height();
  changed();
};

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", (event) => {
  if (event.target.getAttribute("aria-invalid") === "true" && !CHECKS[chosen()][event.target.name]?.()) {
    showError(event.target.name, "");
    height();
  }
  changed();
});
form.addEventListener("change", (event) => { if (event.target.name === "type") showKind(); });
form.addEventListener("focusout", (event) => {
  const check = CHECKS[chosen()][event.target.name];
  if (check && value(event.target.name)) {
    showError(event.target.name, check()?.[1]);
    height();
  }
});
form.addEventListener("keydown", (event) => { if (event.key === "Escape") tell("escape", {}); });
window.addEventListener("focus", () => tell("focus", {}));
window.addEventListener("blur", () => tell("blur", {}));
new ResizeObserver(height).observe(document.documentElement);

for (const button of document.querySelectorAll("[data-fill]")) {
  button.addEventListener("click", () => {
    const year = String((new Date().getFullYear() + 3) % 100).padStart(2, "0");
    const filled = { number: groups(button.dataset.fill), exp: `12 / ${year}`, cvc: "123" };
    for (const [name, text] of Object.entries(filled)) {
      input(name).value = text;
      showError(name, "");
    }
    changed();
    input("number").focus();
  });
}
document.querySelector("details")?.addEventListener("toggle", height);

// Appearance: the page's theme and variables, given as custom properties ------------------------

const VARIABLES = {
  colorPrimary: "--accent", colorBackground: "--surface", colorText: "--ink", colorTextSecondary: "--soft",
  colorDanger: "--bad", borderRadius: "--radius-small", fontSizeBase: "--element-size", fontFamily: "--face", spacingUnit: "--element-unit",
};
const SAFE = /^[\w\s#%(),.'"-]+$/;

const dress = ({ theme, variables = {}, labels } = {}) => {
  const root = document.documentElement;
  root.dataset.theme = theme === "night" ? "night" : theme ? "day" : "auto";
  root.dataset.labels = labels || "above";
  for (const [name, property] of Object.entries(VARIABLES)) {
    if (variables[name] && SAFE.test(variables[name])) root.style.setProperty(property, variables[name]);
    else root.style.removeProperty(property);
  }
};

// What the page asks -------------------------------------------------------------------------

on("start", async ({ element, options, clientSecret: secret, paymentMethodTypes, currency, appearance }) => {
  clientSecret = secret || null;
  dress(appearance);
  let allowed = paymentMethodTypes || (currency === "eur" ? ["card", "sepa_debit"] : ["card"]);
  if (clientSecret) {
    const found = await retrieve({ clientSecret });
    if (found.error) {
      fields.hidden = true;
      announcer.textContent = found.error.message;
      announcer.classList.remove("visually-hidden");
      height();
      return found;
    }
    allowed = (found.setupIntent || found.paymentIntent).payment_method_types;
  }
  kinds = element === "card" ? ["card"] : KINDS.filter((kind) => allowed.includes(kind));
  if (!kinds.length) kinds = ["card"];
  for (const tab of tabs.querySelectorAll("[data-tab]")) tab.hidden = !kinds.includes(tab.dataset.tab);
  tabs.hidden = kinds.length < 2;
  form.querySelector(`input[name="type"][value="${kinds[0]}"]`).checked = true;
  const details = options?.defaultValues?.billingDetails || {};
  if (details.name && !value("name")) input("name").value = details.name;
  if (details.address?.country) input("country").value = details.address.country;
  const noCountry = element === "card" || options?.fields?.billingDetails === "never";
  document.querySelector("[data-country]").hidden = noCountry || options?.fields?.billingDetails?.address === "never";
  fields.hidden = false;
  showKind();
  tell("ready", {});
  return {};
});

on("update", ({ settings }) => { if (settings?.appearance) dress(settings.appearance); });
on("focus", () => form.querySelector("[data-kind]:not([hidden]) input")?.focus());
on("clear", () => { form.reset(); showKind(); });
on("validate", () => problem() || { type: chosen() });

const methodData = (billingDetails) => {
  const type = chosen();
  const data = { type, billing_details: { ...billingDetails } };
  if (type === "card") {
    const expiry = digits(value("exp"));
    data.card = { number: digits(value("number")), exp_month: Number(expiry.slice(0, 2)), exp_year: 2000 + Number(expiry.slice(2)), cvc: value("cvc") };
    if (!input("country").closest("[hidden]")) {
      data.billing_details.address = { country: value("country"), ...billingDetails.address };
    }
  } else {
    data.billing_details.name ??= value("name");
    data[type] = type === "sepa_debit"
      ? { iban: value("iban").replace(/\s/g, "") }
      : { routing_number: value("routing_number"), account_number: value("account_number") };
  }
  return data;
};

const NAMED_BY = { number: ["incorrect_number", "invalid_number"], exp: ["invalid_expiry_month", "invalid_expiry_year", "expired_card"], cvc: ["incorrect_cvc", "invalid_cvc"] };

const shown = (result) => {
  if (!result.error) return result;
  announcer.textContent = result.error.message || "";
  const [name] = Object.entries(NAMED_BY).find(([, codes]) => codes.includes(result.error.code)) || [];
  if (name && chosen() === "card") {
    showError(name, result.error.message);
    height();
  }
  return result;
};

on("confirm", async ({ clientSecret: secret, returnUrl, billingDetails }) => problem() || shown(await ask("/elements/confirm", {
  client_secret: secret || clientSecret, payment_method_data: methodData(billingDetails || {}), return_url: returnUrl,
})));
on("create", async ({ billingDetails }) => problem() || shown(await ask("/elements/payment-methods", methodData(billingDetails || {}))));

open();
