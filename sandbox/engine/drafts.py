"""Invoices being put together. The same code makes a preview and the invoice that follows it."""

from sandbox import clock
from sandbox.engine import discounting, discounts, lines, taxes, totals
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.events import emit
from sandbox.resources import customer_balance_transactions as balance
from sandbox.resources.account import ACCOUNT_NAME, COUNTRY
from sandbox.schema import blank, part
from sandbox.store import new_id, store

DAY = 86_400


class Draft:
    """An invoice and its lines, in memory until `store` is called."""

    def __init__(self, customer: dict, currency: str, reason: str, subscription=None, period=None):
        self.customer = customer
        self.subscription = subscription
        self.now = clock.now()
        self.invoice = _new(customer, currency, reason, subscription, period or (self.now,) * 2)
        self.lines: list[dict] = []
        self.entries: list[dict] = []

    @classmethod
    def stored(cls, invoice: dict) -> "Draft":
        """The draft of an invoice that is in the store, its lines too."""
        self = cls.__new__(cls)
        self.customer = store.get("customer", invoice["customer"])
        self.subscription = None
        self.now = invoice["created"]
        self.invoice = invoice
        self.lines = store.all("line_item", invoice=invoice["id"])
        self.entries = []
        return self

    def add_item(self, item: dict, *, trial: bool = False) -> None:
        """Bill the item's current period."""
        line = lines.for_item(item, self.subscription, trial=trial)
        line["invoice"] = self.invoice["id"]
        self.lines.append(line)

    def add_entry(self, entry: dict) -> None:
        """Bill an invoice item."""
        line = lines.for_invoice_item(entry, self.invoice["default_tax_rates"])
        line["invoice"] = self.invoice["id"]
        self.lines.append(line)
        self.entries.append(entry)

    def add_pending(self) -> None:
        """Bill every pending invoice item of the subscription, and the customer's own ones."""
        owner = self.subscription and self.subscription["id"]
        for entry in pending_entries(self.customer["id"], owner, self.invoice["currency"]):
            self.add_entry(entry)

    def compute(self) -> dict:
        """Work out discounts, taxes and totals; the invoice."""
        id = self.invoice["id"]
        of_lines = {
            line["id"]: discounting.reductions(line["discounts"], self.now, id)
            for line in self.lines
        }
        shared = discounting.reductions(self.invoice["discounts"], self.now, id)
        discounts.apply(self.lines, of_lines, shared)
        exempt = self.customer["tax_exempt"] or "none"
        for line in self.lines:
            off = sum(part["amount"] for part in line["discount_amounts"])
            line["taxes"] = taxes.of_amount(
                line["amount"] - off, line["_tax_rates"], line["currency"], exempt
            )
            line["pretax_credit_amounts"] = [
                {"credit_balance_transaction": None, "type": "discount", **part}
                for part in line["discount_amounts"]
            ]
        owed = balance.of(self.customer, self.invoice["currency"])
        return totals.fill(self.invoice, self.lines, owed)

    def store(self) -> dict:
        """Write the invoice and its lines; the invoice, announced by invoice.created."""
        invoice = self.compute()
        store.insert("invoice", invoice)
        for line in self.lines:
            store.insert("line_item", line)
            self._remember(line)
        for entry in self.entries:
            entry["invoice"] = invoice["id"]
            store.save(entry)
        used = [one["discount"] for one in invoice["total_discount_amounts"] if one["amount"]]
        used += [id for entry in self.entries for id in entry.get("_reduced_by") or []]
        discounting.spend(used, invoice["id"])
        if self.subscription:
            subscription = store.get("subscription", self.subscription["id"])
            subscription["latest_invoice"] = invoice["id"]
            before = subscription["discounts"]
            subscription["discounts"] = discounting.in_force(before, self.now)
            store.save(subscription)
            discounting.tell_removed(before, subscription["discounts"])
        emit("invoice.created", invoice)
        return invoice

    def _remember(self, line: dict) -> None:
        """Note on the subscription item what was billed for it: credits are worked out from it."""
        item = store.find("subscription_item", line.get("_item") or "")
        if not item:
            return
        off = sum(part["amount"] for part in line["discount_amounts"])
        item["_billed"] = {
            "start": line["period"]["start"],
            "end": line["period"]["end"],
            "amount": line["amount"] - off,
            "price": item["price"],
            "quantity": item["quantity"],
            "invoice": line["invoice"],
            "line": line["id"],
        }
        store.save(item)

    def save(self) -> dict:
        """Write a stored draft back after a change of its lines or terms."""
        before = snapshot(store.get("invoice", self.invoice["id"]))
        invoice = self.compute()
        for line in self.lines:
            store.save(line)
        store.save(invoice)
        emit_updated("invoice.updated", invoice, before)
        return invoice


def pending_entries(customer: str, subscription: str | None, currency: str) -> list[dict]:
    """Invoice items that wait for the next invoice of the subscription (or of the customer)."""
    found = []
    for entry in store.all("invoiceitem", customer=customer, invoice=None):
        details = (entry["parent"] or {}).get("subscription_details") or {}
        if entry["currency"] == currency and details.get("subscription") in (None, subscription):
            found.append(entry)
    return found


def _new(customer, currency, reason, subscription, period) -> dict:
    settings = customer.get("invoice_settings") or {}
    terms = subscription or {}
    automatic = terms.get("collection_method", "charge_automatically") == "charge_automatically"
    shared = terms.get("discounts") or []
    invoice = blank(
        "invoice",
        id=new_id("in"),
        account_country=COUNTRY,
        account_name=ACCOUNT_NAME,
        auto_advance=True,
        automatic_tax=part("invoice", "automatic_tax", enabled=False),
        billing_reason=reason,
        collection_method="charge_automatically" if automatic else "send_invoice",
        currency=currency,
        custom_fields=settings.get("custom_fields"),
        customer=customer["id"],
        customer_address=customer["address"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        customer_phone=customer["phone"],
        customer_shipping=customer["shipping"],
        customer_tax_exempt=customer["tax_exempt"] or "none",
        customer_tax_ids=[
            {"type": tax_id["type"], "value": tax_id["value"]}
            for tax_id in store.all("tax_id", customer=customer["id"])
        ],
        default_payment_method=None,
        default_tax_rates=terms.get("default_tax_rates") or [],
        description=terms.get("description"),
        discounts=discounting.in_force(shared, clock.now()),
        footer=settings.get("footer"),
        issuer=part("invoice", "issuer", type="self"),
        metadata={},
        payment_settings=part("invoice", "payment_settings"),
        period_start=period[0],
        period_end=period[1],
        status="draft",
        status_transitions=part("invoice", "status_transitions"),
    )
    if not automatic:
        invoice["due_date"] = clock.now() + (terms.get("days_until_due") or 30) * DAY
    if subscription:
        invoice["parent"] = {
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        }
        invoice["payment_settings"]["payment_method_types"] = (
            subscription["payment_settings"] or {}
        ).get("payment_method_types")
        own = subscription["invoice_settings"]
        for name in ("custom_fields", "footer", "description"):
            invoice[name] = own.get(name) or invoice[name]
    return invoice
