// A stand-in for Stripe.js that talks to the sandbox it was loaded from.
//
// Card data is typed into an iframe from the sandbox's own origin and never reaches the page that
// uses this script. The page and the iframes talk by postMessage; both ends check the origin.
(() => {
  "use strict";

  const ORIGIN = new URL(document.currentScript.src).origin;
  const PUBLISHABLE = /^pk_test_\w+$/;

  // Lines to the sandbox's iframes -----------------------------------------------------------

  /** An iframe of the sandbox and the messages to and from it. */
  class Line {
    constructor(path, title) {
      this.waiting = new Map();
      this.next = 1;
      this.onEvent = () => {};
      this.frame = document.createElement("iframe");
      this.frame.src = ORIGIN + path;
      this.frame.title = title;
      this.frame.setAttribute("frameborder", "0");
      this.ready = new Promise((resolve) => { this.opened = resolve; });
      this.listener = (event) => this.receive(event);
      window.addEventListener("message", this.listener);
    }

    receive(event) {
      if (event.origin !== ORIGIN || event.source !== this.frame.contentWindow) return;
      const message = event.data || {};
      if (message.source === "sandbox-bank") this.onEvent(message);
      if (message.source !== "sandbox-frame") return;
      if (message.type === "hello") this.opened();
      else if (message.type === "reply") {
        this.waiting.get(message.id)?.(message.result);
        this.waiting.delete(message.id);
      } else this.onEvent(message);
    }

    async ask(type, data = {}) {
      await this.ready;
      const id = this.next++;
      const reply = new Promise((resolve) => this.waiting.set(id, resolve));
      this.frame.contentWindow.postMessage({ source: "sandbox-page", type, id, data }, ORIGIN);
      return reply;
    }

    close() {
      window.removeEventListener("message", this.listener);
      this.frame.remove();
    }
  }

  let controllerLine = null;

  /** The hidden iframe that fetches on behalf of the page, so that no CORS is needed. */
  const controller = () => {
    if (!controllerLine || !controllerLine.frame.isConnected) {
      controllerLine?.close();
      controllerLine = new Line("/elements/controller", "Sandbox payments");
      const { style } = controllerLine.frame;
      controllerLine.frame.setAttribute("aria-hidden", "true");
      controllerLine.frame.tabIndex = -1;
      style.position = "absolute";
      style.width = style.height = "1px";
      style.border = "0";
      style.opacity = "0";
      style.pointerEvents = "none";
      document.body.append(controllerLine.frame);
    }
    return controllerLine;
  };

  /** The bank's page in a dialog; resolves once the person answered or closed it. */
  const askBank = (clientSecret) => new Promise((resolve) => {
    const path = `/bank/${encodeURIComponent(clientSecret)}?embedded=1`;
    const line = new Line(path, "Confirm with your bank");
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", "Confirm with your bank");
    Object.assign(dialog.style, {
      width: "min(600px, 100vw)", height: "min(440px, 100dvh)", maxWidth: "100vw",
      maxHeight: "100dvh", padding: "0", border: "0", borderRadius: "12px", overflow: "hidden",
    });
    Object.assign(line.frame.style, { width: "100%", height: "100%", border: "0", display: "block" });
    dialog.append(line.frame);
    const finish = (answered) => {
      line.close();
      dialog.remove();
      resolve(answered);
    };
    line.onEvent = (message) => finish(message.type === "answered");
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      finish(false);
    });
    document.body.append(dialog);
    dialog.showModal();
  });

  // Intents -----------------------------------------------------------------------------------

  const kindOf = (clientSecret) => (String(clientSecret).startsWith("seti_") ? "setupIntent" : "paymentIntent");

  const invalid = (message, code) => ({ error: { type: "validation_error", code, message } });

  const misuse = (message) => {
    throw new Error(`IntegrationError: ${message}`);
  };

  const checkSecret = (clientSecret, kind) => {
    const prefix = kind === "setupIntent" ? "seti_" : "pi_";
    if (!String(clientSecret || "").startsWith(prefix) || !String(clientSecret).includes("_secret_")) {
      misuse(`${kind} client secret has the form ${prefix}..._secret_...`);
    }
  };

  const AUTHENTICATION_FAILED = {
    setupIntent: ["setup_intent_authentication_failure", "last_setup_error"],
    paymentIntent: ["payment_intent_authentication_failure", "last_payment_error"],
  };

  /** Takes an intent through 3-D Secure when it asks for it. {setupIntent|paymentIntent} or {error}. */
  const settle = async (result, clientSecret) => {
    const kind = kindOf(clientSecret);
    const intent = result[kind];
    if (result.error || !intent || intent.status !== "requires_action") return result;
    const answered = await askBank(clientSecret);
    const asked = answered ? "retrieve" : "abandon";
    const after = await controller().ask(asked, { clientSecret });
    if (after.error) return after;
    const [code, field] = AUTHENTICATION_FAILED[kind];
    if (after[kind].status === "requires_payment_method") {
      const last = after[kind][field] || {};
      const message = last.message ||
        "We are unable to authenticate your payment method. Please choose a different payment method and try again.";
      return { error: { type: last.type || "invalid_request_error", code: last.code || code, decline_code: last.decline_code, message, [kind === "setupIntent" ? "setup_intent" : "payment_intent"]: after[kind] } };
    }
    return after;
  };

  /** Leads to `returnUrl` with the query parameters that Stripe.js adds. Never resolves. */
  const redirect = (returnUrl, clientSecret, intent) => {
    const name = kindOf(clientSecret) === "setupIntent" ? "setup_intent" : "payment_intent";
    const address = new URL(returnUrl, window.location.href);
    address.searchParams.set(name, intent.id);
    address.searchParams.set(`${name}_client_secret`, clientSecret);
    address.searchParams.set("redirect_status", intent.status === "requires_payment_method" ? "failed" : intent.status);
    window.location.assign(address);
    return new Promise(() => {});
  };

  // Elements ----------------------------------------------------------------------------------

  const EVENTS = ["ready", "change", "focus", "blur", "escape", "loaderror", "loaderstart"];

  /** One mounted form: the Payment Element, or the card-only Card Element. */
  class Element {
    constructor(type, elements, options) {
      this.type = type;
      this.elements = elements;
      this.options = options || {};
      this.handlers = Object.fromEntries(EVENTS.map((name) => [name, new Set()]));
    }

    mount(target) {
      const place = typeof target === "string" ? document.querySelector(target) : target;
      if (!place) misuse(`The selector you specified (${target}) applies to no DOM elements that are currently on the page.`);
      this.unmount();
      this.line = new Line("/elements/form", this.type === "card" ? "Card details" : "Payment details");
      Object.assign(this.line.frame.style, {
        width: "100%", height: this.type === "card" ? "150px" : "330px", border: "0", display: "block", colorScheme: "normal",
      });
      this.line.frame.setAttribute("allow", "payment *");
      this.line.onEvent = (message) => this.happened(message);
      place.replaceChildren(this.line.frame);
      this.emit("loaderstart", { elementType: this.type });
      this.start();
      return this;
    }

    async start() {
      const { clientSecret, mode, amount, currency, paymentMethodTypes, appearance, locale } = this.elements.settings;
      const result = await this.line.ask("start", {
        element: this.type, options: this.options, clientSecret, mode, amount, currency, paymentMethodTypes, appearance, locale,
      });
      if (result.error) this.emit("loaderror", { elementType: this.type, error: result.error });
    }

    happened({ type, data }) {
      if (type === "height") this.line.frame.style.height = `${Math.ceil(data)}px`;
      else if (EVENTS.includes(type)) this.emit(type, { elementType: this.type, ...data });
    }

    emit(name, detail) {
      for (const handler of this.handlers[name]) handler(detail);
    }

    on(name, handler) {
      if (!this.handlers[name]) misuse(`Unknown event ${name}.`);
      this.handlers[name].add(handler);
      return this;
    }

    once(name, handler) {
      const wrapped = (detail) => {
        this.off(name, wrapped);
        handler(detail);
      };
      return this.on(name, wrapped);
    }

    off(name, handler) {
      if (handler) this.handlers[name].delete(handler);
      else this.handlers[name].clear();
      return this;
    }

    update(options) {
      Object.assign(this.options, options);
      this.line?.ask("update", { options: this.options });
    }

    focus() { this.line?.frame.focus(); this.line?.ask("focus"); }
    blur() { this.line?.frame.blur(); }
    clear() { this.line?.ask("clear"); }
    collapse() {}

    unmount() {
      this.line?.close();
      this.line = null;
    }

    destroy() {
      this.unmount();
      this.elements.forget(this);
    }
  }

  class Elements {
    constructor(settings) {
      if (settings.clientSecret && settings.mode) misuse("Pass either clientSecret or mode, not both.");
      this.settings = { ...settings };
      this.made = new Map();
    }

    create(type, options) {
      if (type !== "payment" && type !== "card") misuse(`The sandbox has the elements "payment" and "card", not "${type}".`);
      if (this.made.has(type)) misuse(`Can only create one Element of type ${type}.`);
      const element = new Element(type, this, options);
      this.made.set(type, element);
      return element;
    }

    getElement(type) { return this.made.get(type) || null; }
    forget(element) { this.made.delete(element.type); }

    update(settings) {
      Object.assign(this.settings, settings);
      for (const element of this.made.values()) element.line?.ask("update", { settings });
    }

    async fetchUpdates() {
      for (const element of this.made.values()) await element.start();
      return {};
    }

    get form() {
      const element = this.made.get("payment") || this.made.get("card");
      if (!element?.line) misuse("elements should have a mounted Payment Element.");
      return element;
    }

    /** Checks what was typed and shows what is wrong with it. {} or {error}. */
    async submit() {
      const result = await this.form.line.ask("validate");
      return result.error ? result : { selectedPaymentMethod: result.type };
    }
  }

  // Stripe() ----------------------------------------------------------------------------------

  const billingDetailsOf = (confirmParams) => confirmParams?.payment_method_data?.billing_details || {};

  const confirm = (kind) => async ({ elements, clientSecret, confirmParams = {}, redirect: when = "always" } = {}) => {
    const secret = clientSecret || elements?.settings.clientSecret;
    checkSecret(secret, kind);
    if (when === "always" && !confirmParams.return_url) {
      misuse('confirmParams.return_url is required unless redirect is "if_required".');
    }
    const data = { clientSecret: secret, returnUrl: confirmParams.return_url, billingDetails: billingDetailsOf(confirmParams) };
    let first;
    if (elements) first = await elements.form.line.ask("confirm", data);
    else if (typeof confirmParams.payment_method === "string") {
      first = await controller().ask("confirm", { ...data, paymentMethod: confirmParams.payment_method });
    } else misuse("Pass elements, or confirmParams.payment_method.");
    const result = await settle(first, secret);
    if (result.error || when !== "always") return result;
    return redirect(confirmParams.return_url, secret, result[kind]);
  };

  const confirmCard = (kind) => async (clientSecret, data = {}, { handleActions = true } = {}) => {
    checkSecret(clientSecret, kind);
    const method = data.payment_method;
    let first;
    if (method && typeof method === "object") {
      if (!(method.card instanceof Element) || !method.card.line) misuse("payment_method.card should be a mounted element.");
      first = await method.card.line.ask("confirm", { clientSecret, returnUrl: data.return_url, billingDetails: method.billing_details || {} });
    } else if (method) {
      first = await controller().ask("confirm", { clientSecret, returnUrl: data.return_url, paymentMethod: method });
    } else {
      first = await controller().ask("retrieve", { clientSecret });
      const waiting = first[kind] && ["requires_confirmation", "requires_payment_method"].includes(first[kind].status);
      if (waiting) first = await controller().ask("confirm", { clientSecret, returnUrl: data.return_url });
    }
    return handleActions ? settle(first, clientSecret) : first;
  };

  const retrieve = (kind) => async (clientSecret) => {
    checkSecret(clientSecret, kind);
    return controller().ask("retrieve", { clientSecret });
  };

  const Stripe = (publishableKey, options = {}) => {
    if (!PUBLISHABLE.test(publishableKey || "")) {
      misuse("Please call Stripe() with a test publishable key (pk_test_...). The sandbox takes no live keys.");
    }
    return {
      _apiKey: publishableKey,
      _options: options,
      elements: (settings = {}) => new Elements({ locale: options.locale, ...settings }),
      confirmSetup: confirm("setupIntent"),
      confirmPayment: confirm("paymentIntent"),
      confirmCardSetup: confirmCard("setupIntent"),
      confirmCardPayment: confirmCard("paymentIntent"),
      retrieveSetupIntent: retrieve("setupIntent"),
      retrievePaymentIntent: retrieve("paymentIntent"),
      async handleNextAction({ clientSecret } = {}) {
        checkSecret(clientSecret, kindOf(clientSecret));
        return settle(await controller().ask("retrieve", { clientSecret }), clientSecret);
      },
      async createPaymentMethod({ elements, params = {} } = {}) {
        if (!elements) return invalid("Pass elements with a mounted Payment Element.", "parameter_missing");
        return elements.form.line.ask("create", { billingDetails: params.billing_details || {} });
      },
    };
  };
  Stripe.version = "sandbox";
  window.Stripe = Stripe;
})();
