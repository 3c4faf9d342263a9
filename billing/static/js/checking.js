// Looks every few seconds whether the outcome is known, and goes there when it is.
const EVERY = 5000;

async function look() {
  try {
    const answer = await fetch(location.href, { redirect: "manual" });
    if (answer.type === "opaqueredirect") {
      location.reload();
      return;
    }
  } catch {
    // No connection just now; the next look may have one.
  }
  setTimeout(look, EVERY);
}

setTimeout(look, EVERY);
