"""Credit notes: what an invoice is reduced by, before or after it was paid.

Source: Stripe's "Credit notes".
"""

from fractions import Fraction

from sandbox import clock
from sandbox.engine import invoicing, items, refunding, standing, taxes
from sandbox.engine.changes import emit_updated, snapshot
from sandbox.engine.money import decimal_string, round_to
from sandbox.errors import ApiError
from sandbox.events import emit
from sandbox.pages.urls import credit_note_pdf_url
from sandbox.protocol.rendering import sublist
from sandbox.resources import customer_balance_transactions as balance
from sandbox.schema import blank
from sandbox.store import new_id, store

LINE = "credit_note_line_item"


@sublist("credit_note", "lines")
def lines_of(note: dict) -> list[dict]:
    """The credit note's lines; a preview carries its own."""
    return note["_lines"] if "_lines" in note else store.all(LINE, _credit_note=note["id"])


def build(params: dict) -> tuple[dict, dict]:
    """The unstored credit note with its lines in `_lines`, and its invoice.

    ApiError 400 when it credits more than is left, or when refund, credit and out of band do not
    add up to it.
    """
    invoice = store.need("invoice", params["invoice"], "invoice")
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise ApiError(
            400,
            "You can only create a credit note for an open, paid or uncollectible invoice; this "
            f"invoice is {invoice['status']}.",
            param="invoice",
        )
    lines = _lines(params, invoice)
    off = sum(line["discount_amount"] for line in lines)
    tax = taxes.merged([line["taxes"] for line in lines])
    on_top = sum(one["amount"] for one in tax if one["tax_behavior"] == "exclusive")
    contained = sum(one["amount"] for one in tax if one["tax_behavior"] == "inclusive")
    subtotal = sum(line["amount"] for line in lines)
    total = subtotal - off + on_top
    before = store.all("credit_note", invoice=invoice["id"])
    live = [one for one in before if one["status"] == "issued"]
    paid = invoice["status"] == "paid"
    note = blank(
        "credit_note",
        id=new_id("cn"),
        amount=total,
        currency=invoice["currency"],
        customer=invoice["customer"],
        discount_amount=off,
        discount_amounts=_merged([line["discount_amounts"] for line in lines]),
        effective_at=params.get("effective_at") or clock.now(),
        invoice=invoice["id"],
        memo=params.get("memo"),
        metadata=dict(params.get("metadata") or {}),
        number=f"{invoice['number']}-CN-{len(before) + 1:02d}",
        out_of_band_amount=params.get("out_of_band_amount"),
        pre_payment_amount=0 if paid else total,
        post_payment_amount=total if paid else 0,
        reason=params.get("reason"),
        status="issued",
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - contained,
        total=total,
        total_excluding_tax=total - on_top - contained,
        total_taxes=tax,
        type="post_payment" if paid else "pre_payment",
        _lines=lines,
    )
    note["pdf"] = credit_note_pdf_url(note)
    _check(note, invoice, live, params)
    return note, invoice


def _check(note: dict, invoice: dict, live: list[dict], params: dict) -> None:
    left = invoice["total"] - sum(one["total"] for one in live)
    if invoice["status"] != "paid":
        left = min(left, invoice["amount_remaining"])
    if note["total"] < 1:
        raise ApiError(400, "A credit note must credit something.", param="amount")
    if note["total"] > left:
        raise ApiError(
            400,
            f"The credit note's total of {note['total']} is more than the {left} that can still be "
            "credited on the invoice.",
            code="amount_too_large",
            param="amount",
        )
    refunds = sum(amount for _, amount in _linked(params, invoice))
    names = ("refund_amount", "credit_amount", "out_of_band_amount")
    given = refunds + sum(params.get(name) or 0 for name in names)
    if note["type"] == "post_payment" and given != note["total"]:
        raise ApiError(
            400,
            f"The sum of credit amount, refund amount and out of band amount ({given}) must equal "
            f"the credit note amount ({note['total']}).",
        )
    if note["type"] == "pre_payment" and given:
        raise ApiError(
            400,
            "You cannot refund or credit an amount of an invoice that is not paid.",
            param=next(name for name in (*names, "refunds") if params.get(name)),
        )


def _linked(params: dict, invoice: dict) -> list[tuple[dict, int]]:
    """The existing refunds that `refunds` names, with how much of each the credit note stands for.

    ApiError 400 for a refund of another payment, one that failed, or more than is left of it.
    """
    found = []
    paid_by = {payment["payment"].get("payment_intent") for payment in _paid(invoice)}
    for index, given in enumerate(params.get("refunds") or []):
        param = f"refunds[{index}][refund]"
        refund = store.need("refund", given.get("refund", ""), param)
        if refund["payment_intent"] not in paid_by:
            raise ApiError(
                400,
                f"The refund {refund['id']} does not belong to a payment of this invoice.",
                param=param,
            )
        if refund["status"] in ("failed", "canceled"):
            raise ApiError(400, f"The refund {refund['id']} is {refund['status']}.", param=param)
        left = refund["amount"] - _already_linked(refund["id"], invoice["id"])
        amount = given.get("amount_refunded", left)
        if amount > left or not amount:
            raise ApiError(
                400,
                f"The refund {refund['id']} has {left} left that no credit note stands for.",
                param=param,
            )
        found.append((refund, amount))
    return found


def _paid(invoice: dict) -> list[dict]:
    payments = store.all("invoice_payment", invoice=invoice["id"])
    return [payment for payment in payments if payment["status"] == "paid"]


def _already_linked(refund: str, invoice: str) -> int:
    return sum(
        one["amount_refunded"]
        for note in store.all("credit_note", invoice=invoice, status="issued")
        for one in note["refunds"]
        if one["refund"] == refund
    )


def _lines(params: dict, invoice: dict) -> list[dict]:
    given = params.get("lines")
    if not given and params.get("amount") is None:
        raise ApiError(
            400,
            "You must specify one of: amount, lines, shipping_cost.",
            code="parameter_missing",
            param="amount",
        )
    if not given:
        whole = {"type": "custom_line_item", "quantity": 1, "unit_amount": params["amount"]}
        return [_custom({**whole, "description": None}, invoice, "amount")]
    built = []
    for index, spec in enumerate(given):
        make = _of_line if spec["type"] == "invoice_line_item" else _custom
        built.append(make(spec, invoice, f"lines[{index}]"))
    return built


def _of_line(spec: dict, invoice: dict, param: str) -> dict:
    id = spec.get("invoice_line_item", "")
    source = store.find("line_item", id)
    if not source or source["invoice"] != invoice["id"]:
        raise ApiError(
            400, f"No such invoice line item: '{id}'", code="resource_missing", param=param
        )
    currency, count = invoice["currency"], source["quantity"] or 1
    quantity = spec.get("quantity")
    if spec.get("amount") is not None:
        amount, quantity = spec["amount"], None
    else:
        quantity = count if quantity is None else quantity
        amount = round_to(Fraction(source["amount"] * quantity, count), currency)
    left = source["amount"] - _credited(id, invoice["id"])
    if amount > left:
        raise ApiError(
            400,
            f"The amount to credit ({amount}) is more than the {left} that can still be credited "
            "on this line.",
            code="amount_too_large",
            param=f"{param}[{'quantity' if quantity is not None else 'amount'}]",
        )
    share = Fraction(amount, source["amount"]) if source["amount"] else Fraction(0)
    discounts = [
        {"amount": round_to(one["amount"] * share, currency), "discount": one["discount"]}
        for one in source["discount_amounts"]
    ]
    return _line(
        spec,
        invoice,
        amount=amount,
        description=spec.get("description") or source["description"],
        discounts=discounts,
        rates=source["_tax_rates"],
        quantity=quantity,
        invoice_line_item=id,
    )


def _credited(line: str, invoice: str) -> int:
    """How much of an invoice's line was credited before."""
    notes = store.all("credit_note", invoice=invoice, status="issued")
    return sum(
        one["amount"]
        for note in notes
        for one in lines_of(note)
        if one["invoice_line_item"] == line
    )


def _custom(spec: dict, invoice: dict, param: str) -> dict:
    quantity = spec.get("quantity", 1)
    unit = spec.get("unit_amount_decimal", spec.get("unit_amount"))
    if unit is None and spec.get("amount") is None:
        raise ApiError(
            400,
            f"Missing required param: {param}[unit_amount].",
            code="parameter_missing",
            param=f"{param}[unit_amount]",
        )
    if unit is None:
        amount = spec["amount"]
    else:
        amount = round_to(Fraction(str(unit)) * quantity, invoice["currency"])
    return _line(
        spec,
        invoice,
        amount=amount,
        description=spec.get("description"),
        discounts=[],
        rates=[],
        quantity=quantity,
        unit=unit,
    )


def _line(spec, invoice, *, amount, description, discounts, rates, quantity, unit=None, **fields):
    if "tax_rates" in spec:
        rates = items.tax_rates(spec["tax_rates"])
    off = sum(one["amount"] for one in discounts)
    exempt = invoice["customer_tax_exempt"] or "none"
    tax = taxes.of_amount(amount - off, rates, invoice["currency"], exempt)
    if spec.get("tax_amounts"):
        tax = [_given_tax(one) for one in spec["tax_amounts"]]
    if unit is None and quantity:
        unit = Fraction(amount, quantity)
    exact = None if unit is None else Fraction(str(unit))
    return blank(
        LINE,
        id=new_id("cnli"),
        amount=amount,
        description=description,
        discount_amount=off,
        discount_amounts=discounts,
        metadata=dict(spec.get("metadata") or {}),
        pretax_credit_amounts=[
            {"credit_balance_transaction": None, "type": "discount", **one} for one in discounts
        ],
        quantity=quantity,
        tax_rates=rates,
        taxes=tax,
        type=spec["type"],
        unit_amount=int(exact) if exact is not None and exact.denominator == 1 else None,
        unit_amount_decimal=None if exact is None else decimal_string(exact),
        **fields,
    )


def _given_tax(spec: dict) -> dict:
    rate = store.need("tax_rate", spec["tax_rate"], "tax_amounts")
    return {
        "amount": spec["amount"],
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": "standard_rated",
        "taxable_amount": spec["taxable_amount"],
        "type": "tax_rate_details",
    }


def _merged(lists: list[list[dict]]) -> list[dict]:
    found: dict[str, int] = {}
    for one in (entry for entries in lists for entry in entries):
        found[one["discount"]] = found.get(one["discount"], 0) + one["amount"]
    return [{"amount": amount, "discount": id} for id, amount in found.items()]


def issue(params: dict) -> dict:
    """The stored credit note, its money given back or taken off what the invoice still asks."""
    note, invoice = build(params)
    lines = note.pop("_lines")
    for line in lines:
        line["_credit_note"] = note["id"]
        store.insert(LINE, line)
    store.insert("credit_note", note)
    before = snapshot(invoice)
    if note["type"] == "pre_payment":
        _reduce(invoice, note["total"])
    else:
        _give_back(note, invoice, params)
        invoice["post_payment_credit_notes_amount"] += note["total"]
    store.save(invoice)
    store.save(note)
    emit("credit_note.created", note)
    emit_updated("invoice.updated", invoice, before)
    if note["type"] == "pre_payment" and invoice["amount_remaining"] == 0:
        invoicing.mark_paid(invoice, nothing_left=True)
        standing.invoice_paid(invoice)
    return note


def _reduce(invoice: dict, amount: int) -> None:
    """Take `amount` off what is still to be paid; negative gives it back."""
    invoice["pre_payment_credit_notes_amount"] += amount
    invoice["amount_due"] -= amount
    invoicing.lower(invoice, amount)


def _give_back(note: dict, invoice: dict, params: dict) -> None:
    made = _linked(params, invoice)
    if params.get("refund_amount"):
        intent = invoicing.intent_of(invoice)
        if not intent or not intent["latest_charge"]:
            raise ApiError(
                400,
                "This invoice was not paid by a charge that could be refunded.",
                param="refund_amount",
            )
        charge = store.get("charge", intent["latest_charge"])
        made.append((refunding.refund(charge, params["refund_amount"]), params["refund_amount"]))
    note["refunds"] = [
        {
            "amount_refunded": amount,
            "payment_record_refund": None,
            "refund": refund["id"],
            "type": "refund",
        }
        for refund, amount in made
    ]
    if params.get("credit_amount"):
        transaction = balance.record(
            store.get("customer", invoice["customer"]),
            -params["credit_amount"],
            "credit_note",
            invoice["currency"],
            credit_note=note["id"],
            invoice=invoice["id"],
        )
        note["customer_balance_transaction"] = transaction["id"]


def void(note: dict) -> dict:
    """The credit note, void; its invoice asks for the amount again. ApiError 400 once paid."""
    invoice = store.get("invoice", note["invoice"])
    if note["status"] == "void" or note["type"] != "pre_payment" or invoice["status"] != "open":
        raise ApiError(
            400, "You can only void an issued credit note of an invoice that is still open."
        )
    before = snapshot(invoice)
    _reduce(invoice, -note["total"])
    store.save(invoice)
    note.update(status="void", voided_at=clock.now())
    store.save(note)
    emit("credit_note.voided", note)
    emit_updated("invoice.updated", invoice, before)
    return note
