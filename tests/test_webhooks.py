"""POST /webhooks/stripe: what is let in, kept, acted on, and what Stripe is told."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st
from stripe.params import WebhookEndpointCreateParams

from billing import webhook_handlers, webhook_inbox
from billing.errors import StripeUnavailable
from billing.gateway import client as gateway_client
from billing.gateway import customers as customers_gateway
from billing.webhook_inbox import HANDLED_TYPES
from models import (
    Account,
    CheckoutIntent,
    Customer,
    Invoice,
    Product,
    Subscription,
    WebhookEvent,
    db,
)
from sandbox import events as sandbox_events

SECRET = "whsec_test_of_the_suite"
NOW = 1_795_089_600  # the suite's clock stands here: 19 November 2026, 12:00 UTC


def an_event(type: str = "product.updated", about: Any = None, **over: Any) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "object": "event",
        "type": type,
        "api_version": "2026-10-28.endive",
        "created": NOW,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "data": {"object": {"object": "product", "id": "prod_1"} if about is None else about},
    } | over


@pytest.fixture
def post(client, clock):
    """Posts any bytes with a correct signature, or with the header given."""

    def send(body: bytes, header: str | None = None, at: int = NOW) -> Any:
        signed = sandbox_events.signature(body, SECRET, at) if header is None else header
        return client.post(
            "/webhooks/stripe", data=body, csrf=False, headers={"Stripe-Signature": signed}
        )

    return send


@pytest.fixture
def stripe_is_down(app):
    """Call it, and nothing answers at Stripe's address; call the result to bring it back."""

    def down():
        elsewhere = dataclasses.replace(
            app.config["SETTINGS"], stripe_api_base="http://127.0.0.1:9"
        )
        app.extensions["stripe"] = gateway_client.build(elsewhere)

        def up():
            del app.extensions["stripe"]

        return up

    return down


def stored(app) -> list[WebhookEvent]:
    with app.app_context():
        return list(db.session.scalars(db.select(WebhookEvent).order_by(WebhookEvent.id)))


# What is let in -----------------------------------------------------------------------------


def test_a_signed_event_is_kept_and_its_object_is_pulled(app, stripe, deliver):
    product = stripe.v1.products.create({"name": "Team"})
    answer = deliver(an_event(about={"object": "product", "id": product.id}))
    assert answer.status_code == 200
    (row,) = stored(app)
    assert (row.status, row.type, row.object_id) == ("processed", "product.updated", product.id)
    with app.app_context():
        assert db.session.get(Product, product.id).name == "Team"


def test_the_payload_is_never_applied(app, stripe, deliver):
    product = stripe.v1.products.create({"name": "Team"})
    deliver(an_event(about={"object": "product", "id": product.id, "name": "Forged"}))
    with app.app_context():
        assert db.session.get(Product, product.id).name == "Team"


NO_SIGNATURES = [
    "",
    "nonsense",
    "t=,v1=",
    f"t={NOW}",
    f"t={NOW},v1=00",
    f"t={NOW},v0=abc",
    "t=" + "9" * 5000 + ",v1=00",
    "t=1\xe9,v1=\xe9",
    ",=,",
]


def test_a_body_nobody_signed_is_refused(app, post):
    for header in NO_SIGNATURES:
        assert post(json.dumps(an_event()).encode(), header).status_code == 400, header
    assert stored(app) == []


def test_a_body_signed_with_another_secret_is_refused(app, deliver):
    assert deliver(an_event(), secret="whsec_somebody_else").status_code == 400
    assert stored(app) == []


def test_a_body_changed_after_signing_is_refused(app, post):
    signature = sandbox_events.signature(json.dumps(an_event()).encode(), SECRET, NOW)
    changed = json.dumps(an_event(type="customer.updated")).encode()
    assert post(changed, signature).status_code == 400
    assert stored(app) == []


@pytest.mark.parametrize(("age", "status"), [(-300, 200), (-301, 400), (300, 200), (301, 400)])
def test_a_signature_is_good_for_five_minutes_before_and_after(deliver, age, status):
    assert deliver(an_event("unknown.type"), at=NOW + age).status_code == status


def test_while_a_secret_is_rolled_both_are_good(app, deliver):
    app.config["SETTINGS"] = dataclasses.replace(
        app.config["SETTINGS"], stripe_webhook_secrets=("whsec_old", "whsec_new")
    )
    assert deliver(an_event("unknown.type", id="evt_1"), secret="whsec_old").status_code == 200
    assert deliver(an_event("unknown.type", id="evt_2"), secret="whsec_new").status_code == 200
    assert deliver(an_event("unknown.type", id="evt_3"), secret=SECRET).status_code == 400


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in an_event().items() if name != field}


NO_EVENTS = [
    b"",
    b"null",
    b"1",
    b'"event"',
    b"[]",
    b"{}",
    b"\xff\xfe",
    b'{"object": "event"',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"object":"event","id":' + b"9" * 5000 + b"}",
    json.dumps(an_event()).replace(str(NOW), "NaN").encode(),
    json.dumps(an_event()).replace(str(NOW), "1e999").encode(),
    json.dumps(an_event(data={"object": {"deep": json.loads("[" * 90 + "]" * 90)}})).encode(),
    *(
        json.dumps(without(field)).encode()
        for field in ("id", "object", "type", "created", "livemode", "data")
    ),
    *(
        json.dumps(an_event(**{field: wrong})).encode()
        for field in ("id", "type", "created", "livemode", "data", "account")
        for wrong in (12345678901234567890, [], {}, "", "x" * 300, -1, 1.5)
        if not (field == "account" and wrong == "")
    ),
    json.dumps(an_event(id="evt_\0")).encode(),
    json.dumps(an_event(created=True)).encode(),
    json.dumps(an_event(data={"object": None})).encode(),
    json.dumps(an_event(data={"object": {"id": 5}})).encode(),
    json.dumps(an_event(object="v2.core.event")).encode(),
]


def test_a_signed_body_that_is_no_event_gets_400(app, post):
    for body in NO_EVENTS:
        assert post(body).status_code == 400, body[:200]
    assert stored(app) == []


def test_text_a_database_cannot_hold_does_not_stop_an_event(app, deliver):
    about = {"object": "thing", "id": "x\0y", "note": "a\0b \ud800", "b\0": 1}
    assert deliver(an_event("unknown.type", about=about)).status_code == 200
    (row,) = stored(app)
    assert "\0" not in json.dumps(row.payload, ensure_ascii=False)
    assert row.object_id is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@runs(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    type=st.sampled_from([*HANDLED_TYPES, "unknown.type"]),
    field=st.sampled_from(
        ["id", "type", "created", "livemode", "data", "account", "api_version", "request"]
    ),
    inside=st.sampled_from(
        ["id", "customer", "subscription", "invoice", "parent", "payment_method", "payment_intent"]
    ),
    value=json_values,
    deep=st.booleans(),
)
def test_no_signed_json_crashes_the_inbox(app, deliver, type, field, inside, value, deep):
    with app.app_context():
        db.session.execute(db.delete(WebhookEvent))
        db.session.commit()
    event = an_event(type, about={inside: value}) if deep else an_event(type) | {field: value}
    assert deliver(event).status_code in {200, 400}


def test_a_body_larger_than_any_event_is_refused(app, post):
    body = json.dumps(an_event(padding="x" * 2_000_000)).encode()
    assert post(body).status_code == 413
    assert stored(app) == []


def test_only_posting_is_possible(client):
    assert client.get("/webhooks/stripe").status_code == 405


# What is done about it ----------------------------------------------------------------------


def test_an_unknown_type_is_kept_and_changes_nothing(app, deliver, stripe_calls):
    before = len(stripe_calls)
    assert deliver(an_event("climate.order.created")).status_code == 200
    (row,) = stored(app)
    assert (row.status, len(stripe_calls)) == ("ignored", before)


@pytest.mark.parametrize("elsewhere", [{"livemode": True}, {"account": "acct_of_somebody"}])
def test_an_event_of_another_mode_or_account_is_kept_apart(app, deliver, stripe_calls, elsewhere):
    before = len(stripe_calls)
    assert deliver(an_event(**elsewhere)).status_code == 200
    assert deliver(an_event(**elsewhere)).status_code == 200
    (row,) = stored(app)
    assert (row.status, len(stripe_calls)) == ("quarantined", before)


def test_a_second_delivery_changes_nothing(app, stripe, deliver, stripe_calls):
    product = stripe.v1.products.create({"name": "Team"})
    event = an_event(about={"object": "product", "id": product.id})
    assert deliver(event).status_code == 200
    before = len(stripe_calls)
    assert deliver(event).status_code == 200
    assert len(stripe_calls) == before
    assert len(stored(app)) == 1


def test_two_deliveries_at_the_same_moment_are_both_answered(app, stripe, deliver):
    product = stripe.v1.products.create({"name": "Team"})
    event = an_event(about={"object": "product", "id": product.id})
    together = threading.Barrier(4)
    answers = []

    def one() -> None:
        together.wait(10)
        answers.append(deliver(event).status_code)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [200] * 4
    (row,) = stored(app)
    assert row.status == "processed"


def test_when_stripe_is_down_the_event_waits_and_its_next_delivery_works(
    app, stripe, deliver, stripe_is_down
):
    product = stripe.v1.products.create({"name": "Team"})
    event = an_event(about={"object": "product", "id": product.id})
    up = stripe_is_down()
    assert deliver(event).status_code == 500
    (row,) = stored(app)
    assert (row.status, row.attempts) == ("pending", 1)
    assert "StripeUnavailable" in row.last_error
    up()
    assert deliver(event).status_code == 200
    (row,) = stored(app)
    assert (row.status, row.attempts, row.last_error) == ("processed", 2, None)
    with app.app_context():
        assert db.session.get(Product, product.id).name == "Team"


def test_the_sweep_brings_what_waited(app, stripe, deliver, stripe_is_down):
    product = stripe.v1.products.create({"name": "Team"})
    up = stripe_is_down()
    deliver(an_event(about={"object": "product", "id": product.id}))
    runner = app.test_cli_runner()
    failed = runner.invoke(args=["billing", "process-webhooks"])
    assert (failed.exit_code, "1 still pending" in failed.output) == (1, True)
    up()
    done = runner.invoke(args=["billing", "process-webhooks"])
    assert (done.exit_code, "1 processed" in done.output) == (0, True)
    with app.app_context():
        assert db.session.get(Product, product.id).name == "Team"


def test_one_event_that_cannot_be_done_does_not_hold_up_the_others(
    app, stripe, deliver, stripe_is_down, monkeypatch
):
    product = stripe.v1.products.create({"name": "Team"})
    up = stripe_is_down()
    about = {"object": "customer", "id": "cus_1"}
    deliver(an_event("customer.updated", about=about, id="evt_stuck"))
    deliver(an_event(about={"object": "product", "id": product.id}, id="evt_fine"))
    up()

    def unreachable(customer_id: str) -> Any:
        raise StripeUnavailable

    monkeypatch.setattr(customers_gateway, "retrieve", unreachable)
    with app.app_context():
        assert webhook_inbox.sweep() == (1, 1)
    assert {row.stripe_id: row.status for row in stored(app)} == {
        "evt_stuck": "pending",
        "evt_fine": "processed",
    }


@pytest.fixture
def poison(deliver, monkeypatch):
    """An event that no attempt gets over, delivered; call the result to cure it."""
    broken = pytest.MonkeyPatch()

    def stumble(about: Any) -> None:
        raise KeyError("a mistake of ours")

    broken.setitem(webhook_inbox.HANDLERS, "product.updated", stumble)
    assert deliver(an_event(id="evt_poison")).status_code == 500
    yield broken.undo
    broken.undo()


def test_a_poisonous_event_is_tried_ever_less_and_given_up_after_days(app, poison, clock):
    waits, began = [], clock.now
    (row,) = stored(app)
    while row.status == "pending":
        assert "KeyError" in row.last_error
        waits.append(row.next_attempt_at - clock.now)
        clock.advance(seconds=59)
        with app.app_context():
            assert webhook_inbox.sweep(only_due=True) == (0, 0)
        clock.set(row.next_attempt_at)
        with app.app_context():
            assert webhook_inbox.sweep(only_due=True) == (0, 1)
        (row,) = stored(app)
    assert [wait.total_seconds() / 60 for wait in waits[:5]] == [1, 2, 4, 8, 16]
    assert max(waits).total_seconds() == 2 * 3600
    assert 2 <= (clock.now - began).days < 4
    assert (row.status, row.attempts) == ("failed", webhook_inbox.ATTEMPTS)
    with app.app_context():
        assert webhook_inbox.sweep() == (0, 0)


def test_one_poisonous_event_does_not_stop_the_sweep(app, poison, deliver, stripe, stripe_is_down):
    customer = stripe.v1.customers.create({"name": "Northwind"})
    up = stripe_is_down()
    about = {"object": "customer", "id": customer.id}
    deliver(an_event("customer.updated", about=about, id="evt_fine"))
    up()
    with app.app_context():
        assert webhook_inbox.sweep() == (1, 1)


def test_an_event_that_kills_the_process_is_given_up_too(app, deliver, clock, monkeypatch):
    def die(about: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(webhook_inbox.HANDLERS, "product.updated", die)
    with pytest.raises(KeyboardInterrupt):
        deliver(an_event())
    for _ in range(webhook_inbox.ATTEMPTS - 1):
        clock.advance(hours=2)
        with app.app_context(), pytest.raises(KeyboardInterrupt):
            webhook_inbox.sweep(only_due=True)
    clock.advance(hours=2)
    with app.app_context():
        assert webhook_inbox.sweep(only_due=True) == (0, 0)
    (row,) = stored(app)
    assert (row.status, row.last_error) == ("failed", "The last attempt did not come to its end.")


def test_a_given_up_event_is_done_when_stripe_delivers_it_once_more(app, poison, deliver):
    with app.app_context():
        db.session.execute(db.update(WebhookEvent).values(status="failed"))
        db.session.commit()
    assert deliver(an_event(id="evt_poison")).status_code == 500
    poison()
    assert deliver(an_event(id="evt_poison")).status_code == 200
    (row,) = stored(app)
    assert row.status == "processed"


def test_client_secrets_are_not_kept(app, deliver):
    about = {
        "object": "setup_intent",
        "id": "seti_1",
        "client_secret": "seti_1_secret_x",
        "nested": [{"client_secret": "pi_1_secret_y", "status": "open"}],
        "next_action": {"redirect_to_url": {"url": "https://hooks.stripe.com/?secret=z"}},
    }
    deliver(an_event("setup_intent.created", about=about))
    (row,) = stored(app)
    assert "secret" not in json.dumps(row.payload)
    assert row.payload["data"]["object"]["nested"] == [{"status": "open"}]


def test_the_address_that_opens_a_customers_portal_is_not_kept(app, deliver):
    about = {
        "object": "billing_portal.session",
        "id": "bps_1",
        "url": "https://billing.stripe.com/p/session/opens",
        "return_url": "https://portal.example/subscription",
    }
    deliver(an_event("billing_portal.session.created", about=about))
    (row,) = stored(app)
    kept = row.payload["data"]["object"]
    assert "opens" not in json.dumps(row.payload)
    assert kept["return_url"] == "https://portal.example/subscription"


# What each type leads to --------------------------------------------------------------------


def test_every_handled_type_copes_with_an_object_that_names_nothing(app, deliver):
    for type in HANDLED_TYPES:
        assert deliver(an_event(type, about={}, id=f"evt_{type}")).status_code == 200, type
    assert {row.status for row in stored(app)} == {"processed"}
    assert len(stored(app)) == len(HANDLED_TYPES)


# What the SDK's parameter files import for type checkers alone.
UNIMPORTED = {"StripeContext": object, "Mapping": Mapping}


def literals(annotation: Any) -> set[str]:
    """The strings of a Literal, or of the Literals inside a Union."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {name for part in get_args(annotation) for name in literals(part)}


def test_every_handled_type_exists_at_stripe_and_the_promised_families_are_whole():
    hints = get_type_hints(WebhookEndpointCreateParams, localns=UNIMPORTED)
    known = {name for union in get_args(hints["enabled_events"]) for name in literals(union)}
    assert "customer.subscription.updated" in known
    assert set(HANDLED_TYPES) <= known
    families = (
        "customer.",
        "invoice.",
        "payment_method.",
        "product.",
        "price.",
        "checkout.session.",
        "setup_intent.",
        "payment_intent.",
        "subscription_schedule.",
    )
    assert {name for name in known if name.startswith(families)} <= set(HANDLED_TYPES)


def test_a_type_cannot_be_registered_twice():
    with pytest.raises(ValueError, match="handled twice"):
        webhook_handlers.handles("invoice.paid")(lambda about: None)


@pytest.mark.parametrize(
    ("type", "about"),
    [
        ("customer.tax_id.created", {"object": "tax_id", "id": "txi_1", "customer": "{cus}"}),
        ("customer.discount.created", {"object": "discount", "id": "di_1", "customer": "{cus}"}),
        ("customer.updated", {"object": "customer", "id": "{cus}"}),
        ("setup_intent.succeeded", {"object": "setup_intent", "customer": {"id": "{cus}"}}),
        ("checkout.session.completed", {"object": "checkout.session", "customer": "{cus}"}),
    ],
)
def test_what_belongs_to_a_customer_pulls_the_customer(app, stripe, deliver, type, about):
    customer = stripe.v1.customers.create({"name": "Northwind"})
    filled = json.loads(json.dumps(about).replace("{cus}", customer.id))
    assert deliver(an_event(type, about=filled)).status_code == 200
    with app.app_context():
        assert db.session.get(Customer, customer.id).name == "Northwind"


def test_a_coming_invoice_pulls_its_subscription(app, stripe, people, subscribe, deliver):
    people.join("ada@northwind.example")
    subscription = subscribe()
    stripe.v1.subscriptions.update(subscription, {"cancel_at_period_end": True})
    about = {
        "object": "invoice",
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": subscription},
        },
    }
    assert deliver(an_event("invoice.upcoming", about=about)).status_code == 200
    with app.app_context():
        assert db.session.get(Subscription, subscription).cancel_at_period_end


@pytest.mark.parametrize(
    ("type", "about"),
    [
        ("charge.succeeded", {"object": "charge", "id": "ch_1", "payment_intent": "{pi}"}),
        ("payment_intent.succeeded", {"object": "payment_intent", "id": "{pi}"}),
        ("invoice_payment.paid", {"object": "invoice_payment", "id": "inpay_1", "invoice": "{in}"}),
        ("credit_note.created", {"object": "credit_note", "id": "cn_1", "invoice": "{in}"}),
    ],
)
def test_what_belongs_to_an_invoice_pulls_the_invoice(
    app, stripe, people, subscribe, deliver, type, about
):
    people.join("ada@northwind.example")
    (invoice,) = stripe.v1.invoices.list(
        {"subscription": subscribe(), "expand": ["data.payments"]}
    ).data
    intent = invoice.payments.data[0].payment.payment_intent
    with app.app_context():
        before = db.session.get(Invoice, invoice.id).version
    filled = json.dumps(about).replace("{pi}", intent).replace("{in}", invoice.id)
    assert deliver(an_event(type, about=json.loads(filled))).status_code == 200
    with app.app_context():
        assert db.session.get(Invoice, invoice.id).version == before + 1


def test_an_ended_checkout_frees_the_account_to_try_again(app, stripe, people, catalog, deliver):
    account = people.join("ada@northwind.example")
    price = stripe.v1.prices.list({"lookup_keys": ["demo_team_month"]}).data[0]
    session = stripe.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "http://127.0.0.1:8000/checkout/return",
        }
    )
    with app.app_context():
        intent = CheckoutIntent(
            account=db.session.get(Account, account),
            price_id=price.id,
            quantity=1,
            currency="usd",
            idempotency_key="checkout-1",
            session_id=session.id,
        )
        db.session.add(intent)
        db.session.commit()
        number = intent.id
    about = {"object": "checkout.session", "id": session.id}
    deliver(an_event("checkout.session.expired", about=about, id="evt_early"))
    with app.app_context():
        assert db.session.get(CheckoutIntent, number).status == "open"
    stripe.v1.checkout.sessions.expire(session.id)
    deliver(an_event("checkout.session.expired", about=about, id="evt_true"))
    with app.app_context():
        assert db.session.get(CheckoutIntent, number).status == "expired"
