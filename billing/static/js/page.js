// Small comforts on every page; nothing here is needed to use one.

// A form is sent once: the button that was pressed says so and cannot be pressed again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "true";
  event.submitter?.setAttribute("aria-busy", "true");
});

// Coming back by the browser's back button finds the form ready again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});

// On a phone the tabs and a section's pages scroll: the current one is brought into view.
for (const tabs of document.querySelectorAll(".tabs, .subpages")) {
  const current = tabs.querySelector("[aria-current]");
  if (!current) continue;
  const offset = current.getBoundingClientRect().left - tabs.getBoundingClientRect().left;
  tabs.scrollLeft += offset - (tabs.clientWidth - current.offsetWidth) / 2;
}

// The menu closes as menus do: on Escape, or on a press elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A refused form is read from its list of errors.
document.getElementById("form-errors")?.focus();
