// In stripe.js's dialog: tells the page around it that the bank has its answer, or that the buyer
// pressed Escape. The messages carry no secret; stripe.js asks the sandbox for the outcome itself.
const tell = (type) => window.parent.postMessage({ source: "sandbox-bank", type }, "*");

if (window.parent !== window) {
  if (document.querySelector("[data-bank-answered]")) tell("answered");
  window.addEventListener("keydown", (event) => { if (event.key === "Escape") tell("left"); });
}
