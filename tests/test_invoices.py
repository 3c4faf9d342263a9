"""An account's invoices: the list, its search, one invoice."""

from __future__ import annotations

import re

import pytest

from billing import invoice_search, sync
from models import Invoice, db
from tests.quote_page import text_of as words_of


def text_of(answer):
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def listed(browser, **query):
    """The ids on the list, in order."""
    answer = browser.get("/invoices", query_string=query)
    found = re.findall(r'href="/invoices/(in_\w+)"', answer.get_data(as_text=True))
    return list(dict.fromkeys(found))


def row_of(app, invoice_id):
    with app.app_context():
        return db.session.get(Invoice, invoice_id)


# The list


def test_the_list_shows_each_invoice_with_number_date_status_and_amount(app, owner):
    page = text_of(owner.get("/invoices"))
    with app.app_context():
        invoice = db.session.query(Invoice).one()
    assert invoice.number in page
    assert 'data-status="paid"' in page
    assert "19 Nov 2026" in page
    assert invoice.invoice_pdf in page


def test_the_list_asks_stripe_nothing(app, owner, stripe_calls):
    with app.app_context():
        invoice = db.session.query(Invoice).one().stripe_id
    before = len(stripe_calls)
    for path in ("/invoices", f"/invoices/{invoice}", "/invoices.csv"):
        assert owner.get(path).status_code == 200
    assert len(stripe_calls) == before


def test_an_account_without_invoices_is_told_when_they_come(people):
    page = text_of(people.owner().get("/invoices"))
    assert "No invoices yet" in page
    assert "the moment you subscribe" in page


def test_drafts_are_not_shown(owner, bill):
    draft = bill(900, finalize=False)
    assert draft not in listed(owner)
    assert owner.get(f"/invoices/{draft}").status_code == 404


def test_what_is_due_is_summed_for_each_currency_apart(owner, bill):
    bill(1500)
    bill(2550)
    bill(700, currency="eur")
    page = text_of(owner.get("/invoices"))
    assert "Still to be paid" in page
    assert "$40.50" in page
    assert "€7.00" in page
    assert "$47.50" not in page


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("workshop", True),
        ("WORKSHOP in", True),
        ("15.00", True),
        ("$15", True),
        ("15,00", True),
        ("1500", False),
        ("100%", False),
        ("work_hop", False),
    ],
)
def test_search_finds_by_description_and_by_amount(owner, bill, text, finds):
    invoice = bill(1500, "Workshop in May")
    assert (invoice in listed(owner, q=text)) is finds


def test_search_finds_by_number(app, owner, bill):
    invoice = bill(1500)
    number = row_of(app, invoice).number
    assert listed(owner, q=number[2:].lower()) == [invoice]


def test_an_amount_is_searched_in_the_digits_of_its_currency(owner, bill):
    yen = bill(1500, currency="jpy")
    assert listed(owner, q="1500") == [yen]
    assert listed(owner, q="15.00") == []


def test_the_status_filter_keeps_only_that_status(owner, stripe, bill, app):
    still_open, void = bill(1500), bill(1600)
    stripe.v1.invoices.void_invoice(void)
    with app.app_context():
        sync.pull("invoice", void)
    assert listed(owner, status="open") == [still_open]
    assert listed(owner, status="void") == [void]
    assert len(listed(owner)) == 3


def test_the_date_filter_includes_both_days(owner, bill, clock, people):
    clock.advance(days=10)
    bill(1500)
    owner = people.sign_in("ada@northwind.example")
    assert len(listed(owner, since="2026-11-19", until="2026-11-29")) == 2
    assert len(listed(owner, since="2026-11-20")) == 1
    assert len(listed(owner, until="2026-11-28")) == 1
    assert listed(owner, since="2026-11-30") == []
    assert len(listed(owner, since="0001-01-01", until="9999-12-31")) == 2


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"until": "2026-13-45"},
        {"since": "2026-11-20", "until": "2026-11-19"},
        {"status": "draft"},
        {"q": "x" * 101},
    ],
)
def test_a_filter_that_makes_no_sense_finds_nothing_and_says_so(owner, query):
    answer = owner.get("/invoices", query_string=query)
    assert answer.status_code == 422
    assert "field-error" in answer.get_data(as_text=True)
    assert not re.search(r'href="/invoices/in_', answer.get_data(as_text=True))
    assert owner.get("/invoices.csv", query_string=query).status_code == 422


@pytest.mark.parametrize("order", ["_method=X", "endpoint=x", "_external=1&_scheme=javascript"])
def test_the_address_carries_nothing_but_the_search_into_the_pages_links(owner, order):
    answer = owner.get(f"/invoices?status=paid&{order}")
    assert answer.status_code == 200
    assert 'href="/invoices.csv?status=paid"' in answer.get_data(as_text=True)


def test_a_search_without_a_match_offers_the_way_back(owner):
    page = text_of(owner.get("/invoices?q=nothing-like-this"))
    assert "Nothing matches" in page
    assert "nothing-like-this" in page


def test_pages_hold_twenty_and_keep_the_search(owner, bill):
    for n in range(invoice_search.PAGE_SIZE + 1):
        bill(1000 + n, f"Session {n}")
    first = owner.get("/invoices?q=session")
    assert len(listed(owner, q="session")) == 20
    assert "1 to 20 of 21" in text_of(first)
    assert 'href="/invoices?q=session&amp;page=2"' in text_of(first)
    assert len(listed(owner, q="session", page=2)) == 1
    assert listed(owner, q="session", page=99) == listed(owner, q="session", page=2)
    assert len(listed(owner, q="session", page="nonsense")) == 20
    assert len(listed(owner, q="session", page=-3)) == 20


def test_text_in_an_invoice_is_never_markup(owner, bill):
    invoice = bill(1500, "<script>alert(1)</script>")
    for path in ("/invoices", f"/invoices/{invoice}"):
        assert "<script>alert" not in owner.get(path).get_data(as_text=True)


# One invoice


def test_an_invoice_shows_its_lines_periods_payment_and_documents(app, owner):
    with app.app_context():
        invoice = db.session.query(Invoice).one()
        line = invoice.lines[0].description
    page = text_of(owner.get(f"/invoices/{invoice.stripe_id}"))
    assert line.split("(")[0].strip() in page
    assert "19 Nov 2026 to 19 Dec 2026" in page
    assert "Paid on 19 November 2026" in page
    assert invoice.hosted_invoice_url in page
    assert invoice.invoice_pdf in page
    assert "Pay $" not in page


def test_tax_and_discount_lead_from_the_subtotal_to_the_total(owner, stripe, bill):
    coupon = stripe.v1.coupons.create({"percent_off": 20, "duration": "once", "name": "Early"})
    rate = stripe.v1.tax_rates.create({"display_name": "VAT", "percentage": 25, "inclusive": False})
    invoice = bill(10000, discounts=[{"coupon": coupon.id}], default_tax_rates=[rate.id])
    page = text_of(owner.get(f"/invoices/{invoice}"))
    for part in ("Subtotal", "$100.00", "Discount: Early", "\N{MINUS SIGN}$20.00", "$20.00"):
        assert part in page
    assert re.search(r"Total</th> ?<td[^>]*>\$100\.00", page)


def test_a_credit_balance_is_told_between_the_total_and_the_amount_due(
    owner, stripe, bill, customer_id
):
    stripe.v1.customers.balance_transactions.create(
        customer_id, {"amount": -500, "currency": "usd"}
    )
    page = text_of(owner.get(f"/invoices/{bill(1500)}"))
    assert "Paid from your credit balance" in page
    assert re.search(r"Amount due</th> ?<td[^>]*>\$10\.00", page)


def test_void_and_uncollectible_are_told_as_they_are(app, owner, stripe, bill):
    void, lost = bill(1500), bill(2500)
    stripe.v1.invoices.void_invoice(void)
    stripe.v1.invoices.mark_uncollectible(lost)
    with app.app_context():
        sync.pull("invoice", void)
        sync.pull("invoice", lost)
    page = text_of(owner.get(f"/invoices/{void}"))
    assert "was voided on 19 November 2026. Nothing is due" in page
    assert "Pay $" not in page
    page = text_of(owner.get(f"/invoices/{lost}"))
    assert "stopped trying to collect" in page
    assert "Pay $25.00" in page


def test_an_open_invoice_past_its_day_reads_overdue(owner, bill, clock, people):
    invoice = bill(1500)
    assert 'data-status="overdue"' not in text_of(owner.get(f"/invoices/{invoice}"))
    clock.advance(days=31)
    later = people.sign_in("ada@northwind.example")
    page = text_of(later.get(f"/invoices/{invoice}"))
    assert 'data-status="overdue"' in page
    assert "This was due on 19 December 2026." in page


def test_another_accounts_invoice_is_not_found(owner, people, bill):
    invoice = bill(1500)
    stranger = people.owner("eve@elsewhere.example", "Elsewhere")
    assert stranger.post("/hosted-portal").status_code == 303
    assert stranger.get(f"/invoices/{invoice}").status_code == 404
    assert invoice not in listed(stranger)


def test_a_viewer_reads_and_downloads_but_is_not_offered_to_pay(owner, people, bill):
    invoice = bill(1500)
    people.join("vera@northwind.example", role="viewer")
    viewer = people.sign_in("vera@northwind.example")
    assert viewer.get("/invoices").status_code == 200
    assert viewer.get("/invoices.csv").status_code == 200
    page = text_of(viewer.get(f"/invoices/{invoice}"))
    assert f'action="/invoices/{invoice}/payment"' not in page
    assert "An owner of the account" in page


def test_pages_render_while_stripe_is_down(owner, bill, stripe_is_down):
    invoice = bill(1500)
    stripe_is_down()
    for path in ("/invoices", f"/invoices/{invoice}", "/invoices.csv"):
        assert owner.get(path).status_code == 200


def test_the_days_of_the_filter_stay_as_typed(owner):
    page = text_of(owner.get("/invoices?since=2026-11-01&until=2026-11-30&status=paid"))
    assert 'value="2026-11-01"' in page
    assert 'value="2026-11-30"' in page
    assert re.search(r'<option selected value="paid">', page)


def test_totals_due_leave_out_what_is_paid(app, owner, customer_id):
    with app.app_context():
        assert invoice_search.totals_due(customer_id) == []


# What was given back ---------------------------------------------------------------------------


@pytest.fixture
def paid(app, stripe, owner, customer_id):
    """The paid invoice of the subscription: 49.00, and the payment intent that paid it."""
    invoice = stripe.v1.invoices.list({"customer": customer_id}).data[0]
    (payment,) = stripe.v1.invoice_payments.list({"invoice": invoice.id}).data
    return invoice.id, payment.payment.payment_intent


def test_a_refund_shows_on_its_invoice_and_in_the_list(owner, stripe, paid, deliver_webhooks):
    invoice_id, intent = paid
    assert "Given back" not in words_of(owner.get(f"/invoices/{invoice_id}"))
    stripe.v1.refunds.create({"payment_intent": intent, "amount": 1500})
    deliver_webhooks()
    page = words_of(owner.get(f"/invoices/{invoice_id}"))
    assert "Given back" in page
    assert "Sent to your bank, which shows it within 10 days" in page
    assert "Refunded $15.00" in page
    assert "$15.00 refunded" in words_of(owner.get("/invoices"))


def test_a_credit_note_says_what_became_of_each_part(
    owner, stripe, app, paid, customer_id, deliver_webhooks
):
    invoice_id, _ = paid
    note = stripe.v1.credit_notes.create(
        {"invoice": invoice_id, "amount": 2000, "refund_amount": 700, "credit_amount": 1300}
    )
    deliver_webhooks()
    page = words_of(owner.get(f"/invoices/{invoice_id}"))
    assert f"Credit note {note.number} $7.00 refunded, $13.00 as credit for your next" in page
    assert "Refunded $7.00" in page
    assert "$13.00 of your credit is used" in words_of(owner.get("/"))


def test_a_credit_note_on_an_open_invoice_comes_off_what_is_due(
    owner, stripe, bill, deliver_webhooks
):
    invoice_id = bill(5000)
    stripe.v1.credit_notes.create({"invoice": invoice_id, "amount": 2000})
    deliver_webhooks()
    page = words_of(owner.get(f"/invoices/{invoice_id}"))
    assert "$20.00 off what was due" in page
    assert "Still to pay $30.00" in page


def test_a_void_credit_note_stays_for_the_record(owner, stripe, bill, deliver_webhooks):
    invoice_id = bill(5000)
    note = stripe.v1.credit_notes.create({"invoice": invoice_id, "amount": 2000})
    stripe.v1.credit_notes.void_credit_note(note.id)
    deliver_webhooks()
    page = words_of(owner.get(f"/invoices/{invoice_id}"))
    assert "Void $20.00" in page
    assert "Still to pay $50.00" in page
