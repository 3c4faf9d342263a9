// Small comforts for the card fields. The form works without this file.
const groups = (digits) => (digits.match(/.{1,4}/g) || []).join(" ");

const formatters = {
  number: (text) => groups(text.replace(/\D/g, "").slice(0, 19)),
  exp: (text) => {
    const digits = text.replace(/\D/g, "").slice(0, 4);
    return digits.length > 2 ? `${digits.slice(0, 2)} / ${digits.slice(2)}` : digits;
  },
  cvc: (text) => text.replace(/\D/g, "").slice(0, 4),
};

for (const [name, format] of Object.entries(formatters)) {
  const input = document.querySelector(`input[name="${name}"]`);
  input?.addEventListener("input", () => {
    const atEnd = input.selectionStart === input.value.length;
    if (atEnd) input.value = format(input.value);
  });
}

// Each listed test card gets a button that fills the fields with it.
for (const listed of document.querySelectorAll("[data-test-card]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button--quiet button--small test-cards__fill";
  button.textContent = "Use";
  button.setAttribute("aria-label", `Use ${listed.textContent}`);
  button.addEventListener("click", () => {
    const form = listed.closest("form");
    const nextYear = String((new Date().getFullYear() + 3) % 100).padStart(2, "0");
    const values = { number: listed.textContent, exp: `12 / ${nextYear}`, cvc: "123", name: "Sandbox Tester" };
    for (const [name, value] of Object.entries(values)) {
      const input = form.elements.namedItem(name);
      if (!input || (name === "name" && input.value)) continue;
      input.value = value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const country = form.elements.namedItem("country");
    if (country && !country.value) country.value = "US";
    form.elements.namedItem("number").focus();
  });
  listed.closest("li").append(button);
}

// A second click while the first is on its way does nothing. Coming back by the
// browser's history makes the form usable again.
for (const form of document.querySelectorAll("form[data-submit-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.submitted) {
      event.preventDefault();
      return;
    }
    form.dataset.submitted = "yes";
    const button = event.submitter?.dataset.busy ? event.submitter : form.querySelector("[data-busy]");
    if (button && event.submitter?.value === button.value) {
      button.dataset.label = button.textContent;
      button.textContent = button.dataset.busy;
      button.setAttribute("aria-disabled", "true");
    }
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-submit-once]")) {
    delete form.dataset.submitted;
    for (const button of form.querySelectorAll("[data-label]")) {
      button.textContent = button.dataset.label;
      button.removeAttribute("aria-disabled");
    }
  }
});

// What went wrong is where the reader is taken, on a phone too.
(document.querySelector('[aria-invalid="true"]') || document.querySelector('[role="alert"]'))?.focus();
