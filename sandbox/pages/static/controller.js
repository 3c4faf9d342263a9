// The hidden iframe: intents fetched and confirmed with a saved payment method.
import { ask, on, open, retrieve } from "./frame.js";

on("retrieve", retrieve);
on("abandon", ({ clientSecret }) => ask("/elements/abandon", { client_secret: clientSecret }));
on("confirm", ({ clientSecret, paymentMethod, returnUrl }) =>
  ask("/elements/confirm", { client_secret: clientSecret, payment_method: paymentMethod, return_url: returnUrl }));
open();
