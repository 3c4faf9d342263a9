"""New setup intents."""

from sandbox.events import emit
from sandbox.schema import blank
from sandbox.store import new_id, random_text, store

DEFAULT_TYPES = ["card"]


def new_setup_intent(**fields) -> dict:
    """A stored setup intent; it waits for confirmation when it has a payment method."""
    id = new_id("seti")
    fields.setdefault("usage", "off_session")
    fields.setdefault("payment_method_types", list(DEFAULT_TYPES))
    fields.setdefault("metadata", {})
    waiting = "requires_confirmation" if fields.get("payment_method") else "requires_payment_method"
    intent = blank(
        "setup_intent",
        id=id,
        client_secret=f"{id}_secret_{random_text(25)}",
        status=waiting,
        **fields,
    )
    store.insert("setup_intent", intent)
    emit("setup_intent.created", intent)
    return intent
