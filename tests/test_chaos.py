"""The portal's promises while Stripe misbehaves: charged once, nothing lost, an honest word.

The sandbox's switches are turned as a person would turn them, and each page is read and pressed
again as a person would. What was done is asked of the sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
import stripe as stripe_sdk

from models import MIRRORED, CheckoutIntent, Subscription, WebhookEvent, db
from sandbox import events as sandbox_events
from sandbox.chaos import deliveries
from tests.acts import (
    ACTS,
    Act,
    Cancel,
    PayInvoice,
    Return,
    StartCheckout,
    Upgrade,
    World,
)
from tests.checkout_page import pay
from tests.quote_page import OWNER, after, text_of, use_card
from tests.subscriber import HALF_WAY
from tests.truth import at_stripe, expected_row, mirrored_row

BUSY_ANSWERS = ("rate_limit", "lock_timeout")
BROKEN_ANSWERS = ("500", "timeout")
# Longer than the portal waits for an answer.
LONG = 30


@pytest.fixture
def chaos(sandbox: Any) -> Callable[..., Any]:
    """Turns the sandbox's switches; with nothing named, tells how they stand."""

    def turn(**given: Any) -> Any:
        answer = sandbox.test_client().post("/sandbox/chaos", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json

    return turn


@pytest.fixture
def world(app: Any, sandbox: Any, stripe: Any, people: Any, without_trials: None) -> World:
    """An owner whose account has bought nothing yet."""
    return World(app, sandbox, stripe, people.owner())


@pytest.fixture
def arrange(world: World, subscribe: Any, people: Any, clock: Any) -> Callable[..., Any]:
    """Makes what an act needs, half of the first month used; what its page holds."""

    def make(act: Act) -> Any:
        if act.subscribed:
            world.team = subscribe("Northwind", "team", quantity=4)
            clock.set(HALF_WAY)
            world.browser = people.sign_in(OWNER)
        if act.by_staff:
            world.browser = people.staff_member("support@tidewater.example", "support")
        act.prepare(world)
        return act.form(world)

    return make


@pytest.fixture
def and_then_silence(chaos: Any, monkeypatch: Any) -> None:
    """After an answer that did not come, Stripe breaks until the switches are turned off."""
    send = requests.Session.request

    def request(*args: Any, **kwargs: Any) -> Any:
        try:
            return send(*args, **kwargs)
        except requests.RequestException:
            chaos(off=True, faults=[{"answer": "500"}])
            raise

    monkeypatch.setattr(requests.Session, "request", request)


@pytest.fixture
def blind_after_writing(chaos: Any, monkeypatch: Any) -> Callable[[], None]:
    """Call it, and after the next change Stripe makes it cannot be read any more."""

    def arm() -> None:
        send = requests.Session.request

        def request(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            answer = send(self, method, url, *args, **kwargs)
            if method.upper() == "POST" and "create_preview" not in url:
                chaos(off=True, faults=[{"method": "GET", "answer": "500"}])
            return answer

        monkeypatch.setattr(requests.Session, "request", request)

    return arm


def strike(chaos: Any, act: Act, answer: str) -> None:
    """The next call that the act stands or falls with gets this answer."""
    method, path = act.call.split(" ")
    fault = {"method": method, "path": path, "answer": answer, "seconds": LONG, "calls": 1}
    chaos(off=True, faults=[fault])


def words(world: World, answer: Any) -> str:
    """What the person reads: of the answer, or of the page that it leads to."""
    if answer.status_code not in {302, 303}:
        return text_of(answer)
    if answer.location.startswith("/"):
        return after(world.browser, answer)
    return str(answer.location)


def equals_stripe(world: World) -> None:
    """The mirror has everything of the customers that Stripe has, column by column."""
    v1 = world.stripe.v1
    there = set()
    for customer in v1.customers.list({}).data:
        mine = {"customer": customer.id, "limit": 100}
        there.add(("customer", customer.id))
        for kind, found in (
            ("payment_method", v1.payment_methods.list(mine)),
            ("subscription", v1.subscriptions.list({**mine, "status": "all"})),
            ("subscription_schedule", v1.subscription_schedules.list(mine)),
            ("invoice", v1.invoices.list(mine)),
            ("credit_note", v1.credit_notes.list(mine)),
        ):
            there |= {(kind, one.id) for one in found.data}
    there |= {("refund", one.id) for one in v1.refunds.list({}).data}
    with world.app.app_context():
        db.session.expire_all()
        for kind, stripe_id in there:
            row = db.session.get(MIRRORED[kind], stripe_id)
            found = at_stripe(world.stripe, kind, stripe_id)
            assert mirrored_row(kind, row) == expected_row(kind, found)


def name(value: Any) -> str | None:
    return value.__name__ if isinstance(value, type) else None


# Calls that go wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ACTS, ids=name)
def test_what_stripe_did_not_do_is_told_as_it_is_and_a_later_press_does_it_once(
    world, arrange, chaos, kind
):
    act = kind()
    form = arrange(act)
    for answer in (*BUSY_ANSWERS, *BROKEN_ANSWERS):
        strike(chaos, act, answer)
        page = act.press(world, form)
        assert (act.busy if answer in BUSY_ANSWERS else act.unknown) in words(world, page), answer
        assert page.status_code in {409, 503}
        assert chaos()["faults"][0]["done"] == 1
        assert act.truth(world) == act.before, answer
    assert act.success in words(world, act.press(world, form))
    assert act.truth(world) == act.after
    equals_stripe(world)


@pytest.mark.parametrize("kind", [act for act in ACTS if act.keyed], ids=name)
def test_a_failure_that_stripe_keeps_under_the_key_stands_in_nobodys_way(
    world, arrange, chaos, kind
):
    act = kind()
    form = arrange(act)
    strike(chaos, act, "500_kept")
    assert act.unknown in words(world, act.press(world, form))
    assert act.truth(world) == act.before
    read = words(world, act.press(world, form))
    if act.success not in read:
        # It is over and seen not to be done: the page says so, and what it shows can be pressed.
        assert "Nothing was changed and you were not charged." in read
        assert act.truth(world) == act.before
        assert act.success in words(world, act.press(world, act.form(world)))
    assert act.truth(world) == act.after
    equals_stripe(world)


@pytest.mark.parametrize("kind", ACTS, ids=name)
def test_a_lost_answer_is_looked_up_and_nothing_is_done_twice(world, arrange, chaos, kind):
    act = kind()
    form = arrange(act)
    strike(chaos, act, "lost")
    page = act.press(world, form)
    if act.call.startswith("GET"):
        assert act.truth(world) == act.before
    else:
        assert act.truth(world) == act.after
    if act.looked_up:
        assert act.success in words(world, page)
    else:
        assert act.unknown in words(world, page)
        assert act.success in words(world, act.press(world, form))
    act.press(world, form)
    assert act.truth(world) == act.after
    assert chaos()["faults"][0]["done"] == 1
    equals_stripe(world)


@pytest.mark.parametrize("kind", ACTS, ids=name)
def test_an_answer_that_takes_too_long_and_then_silence_do_nothing_twice(
    world, arrange, chaos, and_then_silence, kind
):
    act = kind()
    form = arrange(act)
    strike(chaos, act, "hang")
    page = act.press(world, form)
    assert act.unknown in words(world, page)
    assert act.press(world, form).status_code in {409, 503}
    chaos(off=True)
    if not act.call.startswith("GET"):
        assert act.truth(world) == act.after
    assert act.press(world, form).status_code in {200, 302, 303}
    assert act.truth(world) == act.after
    equals_stripe(world)


@pytest.mark.parametrize("kind", [a for a in ACTS if a.call.startswith("POST")], ids=name)
def test_what_was_done_but_cannot_be_read_back_is_never_told_as_not_done(
    world, arrange, chaos, blind_after_writing, monkeypatch, kind
):
    act = kind()
    form = arrange(act)
    before = len(world.charges())
    blind_after_writing()
    read = words(world, act.press(world, form))
    monkeypatch.undo()
    chaos(off=True)
    assert "Nothing was changed" not in read
    if len(world.charges()) > before and isinstance(act, Upgrade):
        assert "as quoted; your new plan and the invoice show in a moment." in read
    if len(world.charges()) > before:
        assert "othing was charged" not in read
        assert "not charged" not in read
    act.press(world, form)
    assert act.truth(world) == act.after
    for _ in range(2):
        act.press(world, form)
    assert act.truth(world) == act.after
    equals_stripe(world)


def test_an_upgrade_that_the_bank_must_confirm_is_asked_for_once_when_its_answer_is_lost(
    world, arrange, chaos
):
    act = Upgrade()
    arrange(act)
    use_card(world.app, world.stripe, world.team, "pm_card_threeDSecure2Required")
    form = act.form(world)
    chaos(faults=[{"method": "POST", "path": f"/v1/subscriptions/{world.team}", "answer": "lost"}])
    assert "we do not know yet" in words(world, act.press(world, form))
    chaos(off=True)
    answer = act.press(world, form)
    read = words(world, world.browser.get(answer.location) if answer.location else answer)
    assert "Confirm with your bank" in read
    waiting = [
        invoice
        for invoice in world.stripe.v1.invoices.list({"subscription": world.team}).data
        if invoice.status == "open"
    ]
    assert [invoice.amount_due for invoice in waiting] == [10000]
    assert act.truth(world) == act.before
    equals_stripe(world)


@pytest.mark.parametrize("answer", ["lost", "hang", "500", "timeout", "lock_timeout", "rate_limit"])
def test_stripes_library_repeats_what_may_be_repeated_and_pays_once(
    world, arrange, chaos, monkeypatch, answer
):
    act = PayInvoice()
    form = arrange(act)
    settings = world.app.config["SETTINGS"]
    world.app.config["SETTINGS"] = replace(settings, stripe_network_retries=2)
    world.app.extensions.pop("stripe")
    monkeypatch.setattr(stripe_sdk.HTTPClient, "_sleep_time_seconds", lambda *_: 0)
    strike(chaos, act, answer)
    read = words(world, act.press(world, form))
    # Stripe asks not to repeat what was one request too many.
    assert (act.busy if answer == "rate_limit" else act.success) in read
    assert act.success in read or act.success in words(world, act.press(world, form))
    assert act.truth(world) == act.after


# Webhooks that go wrong ---------------------------------------------------------------------


@pytest.fixture
def courier(webhook_endpoint: str, deliver: Callable[..., Any]) -> Callable[[], list[int]]:
    """Delivers what the switches let leave now; the portal's answers."""

    def run() -> list[int]:
        statuses = []
        for event, endpoint in deliveries.leaving():
            status = deliver(json.loads(sandbox_events.payload(event))).status_code
            sandbox_events.record(event["id"], endpoint["id"], status)
            statuses.append(status)
        return statuses

    return run


@pytest.fixture
def bought(courier: Any, world: World) -> str:
    """Team was paid for on Stripe's page, and the buyer closed the tab; the way back."""
    while courier():
        pass
    return pay(world.sandbox, StartCheckout().press(world, None).location)


def is_subscribed(world: World) -> bool:
    return "You are on Team." in text_of(world.browser.get("/subscription"))


def settled(world: World, *, told: int | None = None) -> None:
    """One subscription, one charge, each event once in the inbox, and the mirror as Stripe."""
    assert Return().truth(world) == Return.after
    assert is_subscribed(world)
    with world.app.app_context():
        assert db.session.query(Subscription).count() == 1
        assert db.session.query(CheckoutIntent).one().status == "complete"
        rows = db.session.query(WebhookEvent).all()
        assert {row.status for row in rows} <= {"processed", "ignored"}
        if told is not None:
            assert len(rows) == told
    equals_stripe(world)


def recorded(world: World) -> int:
    return len(list(world.stripe.v1.events.list({"limit": 100}).auto_paging_iter()))


def test_late_webhooks_are_not_waited_for_and_change_nothing_afterwards(
    world, bought, courier, chaos, clock
):
    chaos(deliveries={"late_seconds": 30})
    assert courier() == []
    assert "Thank you. Your subscription has started." in words(world, world.browser.get(bought))
    assert is_subscribed(world)
    clock.advance(seconds=30)
    assert set(courier()) == {200}
    settled(world)


def test_before_late_webhooks_come_nobody_buys_twice(world, bought, courier, chaos, clock):
    chaos(deliveries={"late_seconds": 30})
    courier()
    assert not is_subscribed(world)
    answer = StartCheckout().press(world, None)
    assert "You have a subscription already, so nothing was bought." in words(world, answer)
    clock.advance(seconds=30)
    courier()
    settled(world)


def test_webhooks_that_come_twice_are_kept_and_acted_on_once(world, bought, courier, chaos):
    chaos(deliveries={"twice": True})
    statuses = courier()
    assert set(statuses) == {200}
    assert chaos()["deliveries"]["repeated"] * 2 == len(statuses) > 20
    settled(world)


def test_webhooks_in_reverse_order_end_in_the_same_state(world, bought, courier, chaos):
    chaos(deliveries={"reversed": True})
    assert set(courier()) == {200}
    settled(world)


def test_dropped_webhooks_are_made_good_by_stripes_next_try(world, bought, courier, chaos):
    chaos(deliveries={"drop_percent": 100})
    assert courier() == []
    assert not is_subscribed(world)
    chaos(off=True)
    assert set(courier()) == {200}
    settled(world)


def test_when_a_share_is_dropped_the_rest_is_enough_until_all_have_come(
    world, bought, courier, chaos, clock
):
    chaos(seed=3, deliveries={"drop_percent": 40})
    for _ in range(12):
        courier()
        clock.advance(minutes=1)
    assert chaos()["deliveries"]["dropped"] > 0
    chaos(off=True)
    courier()
    assert sandbox_events.pending() == []
    settled(world)


def test_webhooks_lost_for_good_are_not_missed_by_who_comes_back(world, bought, courier, chaos):
    chaos(deliveries={"drop_percent": 100, "lost_for_good": True})
    assert courier() == []
    chaos(off=True)
    assert courier() == []
    world.browser.get(bought)
    settled(world)


def test_webhooks_lost_for_good_are_made_up_for_by_flask_billing_sync(
    world, bought, courier, chaos
):
    chaos(deliveries={"drop_percent": 100, "lost_for_good": True})
    courier()
    chaos(off=True)
    assert not is_subscribed(world)
    result = world.app.test_cli_runner().invoke(args=["billing", "sync"])
    assert result.exit_code == 0, result.output
    assert is_subscribed(world)
    assert Return().truth(world) == Return.after
    equals_stripe(world)
    # The order is still open here; the next press finds out that it is not.
    assert "You have a subscription already" in words(world, StartCheckout().press(world, None))
    settled(world)


def test_while_webhooks_are_stopped_pages_pull_for_themselves_and_then_all_arrive(
    world, bought, courier, chaos, clock
):
    chaos(deliveries={"stopped": True, "stop_seconds": 600})
    world.browser.get(bought)
    Cancel().press(world, None)
    assert courier() == []
    assert "Team ends on 19 December." in text_of(world.browser.get("/subscription"))
    clock.advance(seconds=600)
    assert set(courier()) == {200}
    assert "Team ends on 19 December." in text_of(world.browser.get("/subscription"))
    equals_stripe(world)


def test_what_happened_at_stripe_while_webhooks_were_stopped_is_shown_once_they_flow(
    world, bought, courier, chaos
):
    courier()
    chaos(deliveries={"stopped": True})
    subscription = world.stripe.v1.subscriptions.list({}).data[0].id
    world.stripe.v1.subscriptions.cancel(subscription)
    assert courier() == []
    chaos(off=True)
    assert set(courier()) == {200}
    assert not is_subscribed(world)
    equals_stripe(world)


@pytest.mark.parametrize("answer", [*BUSY_ANSWERS, *BROKEN_ANSWERS, "hang", "lost"])
def test_a_webhook_that_cannot_be_pulled_now_stays_pending_until_process_webhooks(
    world, bought, courier, chaos, answer
):
    chaos(faults=[{"method": "GET", "answer": answer, "seconds": LONG}])
    assert 500 in courier()
    chaos(off=True)
    assert not is_subscribed(world)
    result = world.app.test_cli_runner().invoke(args=["billing", "process-webhooks"])
    assert (result.exit_code, result.output.split(", ")[1]) == (0, "0 still pending\n")
    settled(world)


def test_stripes_own_next_try_makes_good_what_could_not_be_pulled(
    world, bought, courier, chaos, clock
):
    chaos(faults=[{"method": "GET", "answer": "500"}])
    assert 500 in courier()
    chaos(off=True)
    clock.advance(seconds=5)
    assert set(courier()) == {200}
    settled(world)


# All at once --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [2, 3])
def test_in_a_storm_of_everything_one_buyer_ends_with_one_subscription_paid_once(
    world, courier, chaos, clock, seed
):
    storm = [
        {"answer": answer, "seconds": LONG, "percent": 8}
        for answer in (*BUSY_ANSWERS, *BROKEN_ANSWERS, "500_kept", "lost", "hang")
    ]
    chaos(
        seed=seed,
        deliveries={"twice": True, "reversed": True, "drop_percent": 40, "late_seconds": 3},
        faults=storm,
    )

    def until(done: Callable[[], bool], press: Callable[[], Any]) -> None:
        for _ in range(60):
            if done():
                return
            page = press()
            assert page.status_code < 500 or "not charge" in text_of(page), text_of(page)
            clock.advance(seconds=5)
            courier()
        raise AssertionError("never done")

    pages: list[str] = []

    def start() -> Any:
        answer = StartCheckout().press(world, None)
        pages.extend([answer.location] if answer.status_code == 303 else [])
        return answer

    until(lambda: bool(pages), start)
    back = pay(world.sandbox, pages[-1])
    until(lambda: is_subscribed(world), lambda: world.browser.get(back))
    chaos(off=True)
    courier()
    settled(world)
