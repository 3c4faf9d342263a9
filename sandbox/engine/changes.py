"""`*.updated` events that tell what was there before."""

from sandbox.events import announce
from sandbox.protocol.rendering import render


def snapshot(doc: dict) -> dict:
    """The document as an event would show it now, for `emit_updated` to compare with later."""
    return render(doc)


def emit_updated(type: str, doc: dict, before: dict) -> bool:
    """Emit `type` with `previous_attributes`; False and no event when nothing visible changed."""
    shown = render(doc)
    previous = difference(before, shown)
    if not previous:
        return False
    announce(type, shown, previous)
    return True


def difference(before: dict, after: dict) -> dict:
    """The former values of what differs; inside nested objects only the keys that differ."""
    previous = {}
    for name, old in before.items():
        new = after.get(name)
        if old == new:
            continue
        nested = isinstance(old, dict) and isinstance(new, dict) and "object" not in old
        previous[name] = difference(old, new) if nested else old
    for name in after.keys() - before.keys():
        previous[name] = None
    return previous
