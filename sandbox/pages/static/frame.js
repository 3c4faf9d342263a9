// The sandbox's end of the line to stripe.js in the page around this iframe.
//
// The first message from the parent fixes its origin; from then on only that origin is heard,
// and answers go to it alone. The opening "hello" carries nothing and may go to anyone.

let page = null;
const tasks = {};

/** Registers what to do for a message type; the returned value is the answer. */
export const on = (type, task) => { tasks[type] = task; };

/** Tells the page that something happened: "ready", "change", "height" and so on. */
export const tell = (type, data) => {
  if (page) window.parent.postMessage({ source: "sandbox-frame", type, data }, page);
};

/** Opens the line. */
export const open = () => {
  window.addEventListener("message", async (event) => {
    const message = event.data || {};
    if (event.source !== window.parent || message.source !== "sandbox-page") return;
    page ??= event.origin;
    if (event.origin !== page || !tasks[message.type]) return;
    const result = await tasks[message.type](message.data || {});
    window.parent.postMessage({ source: "sandbox-frame", type: "reply", id: message.id, result: result ?? {} }, page);
  });
  window.parent.postMessage({ source: "sandbox-frame", type: "hello" }, "*");
};

/** Asks the sandbox; the parsed answer, or {error} when it cannot be reached. */
export const ask = async (path, body) => {
  try {
    const response = await fetch(path, body && {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return await response.json();
  } catch {
    return { error: { type: "api_connection_error", message: "We could not reach the payment service. Check your connection and try again. You have not been charged." } };
  }
};

/** The intent's public part: {setupIntent|paymentIntent}, or {error}. */
export const retrieve = ({ clientSecret }) => ask("/elements/retrieve", { client_secret: clientSecret });
