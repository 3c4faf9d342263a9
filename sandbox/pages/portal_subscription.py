"""The Billing Portal's pages about one subscription: change, cancel, pause, take back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from sandbox import clock
from sandbox.engine import changing, ending, invoicing, items, pausing
from sandbox.errors import ApiError
from sandbox.pages import plan_offers, portal_session, portal_view
from sandbox.pages.plan_offers import Choice
from sandbox.pages.portal_session import Gone
from sandbox.pages.urls import bank_url, base_url
from sandbox.pages.wording import day
from sandbox.store import store

bp = Blueprint("portal_subscription", __name__, url_prefix="/p/session/<secret>/subscriptions")
bp.register_error_handler(Gone, portal_session.gone)
Answer = Response | str | tuple[str, int]
FEEDBACK = {
    "too_expensive": "It is too expensive",
    "missing_features": "Some features are missing",
    "switched_service": "I found an alternative",
    "unused": "I do not use it any more",
    "customer_service": "Customer service was not what I expected",
    "too_complex": "It is hard to use",
    "low_quality": "The quality was not what I expected",
    "other": "Another reason",
}


def _find(secret: str, subscription_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The session and its customer's subscription; Gone when it is not theirs or has ended."""
    session = portal_session.find(secret)
    subscription = store.find("subscription", subscription_id)
    if not subscription or subscription["customer"] != session["customer"]:
        raise Gone
    if subscription["status"] in ending.ENDED:
        raise Gone
    return session, subscription


def _page(template: str, session: dict[str, Any], doc: dict[str, Any], **context: Any) -> str:
    return render_template(
        f"sandbox/portal/{template}.html",
        session=session,
        subscription=portal_view.subscription(doc),
        back=portal_session.leave_url(session),
        **context,
    )


# Another plan ------------------------------------------------------------------------------------


def _find_changeable(secret: str, subscription_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """As `_find`, for a subscription of one item where plans may be changed at all."""
    session, subscription = _find(secret, subscription_id)
    enabled = portal_session.features(session)["subscription_update"]["enabled"]
    if not enabled or len(items.of(subscription)) > 1:
        raise Gone
    return session, subscription


@bp.get("/<subscription_id>/update")
def update(secret: str, subscription_id: str) -> Answer:
    session, subscription = _find_changeable(secret, subscription_id)
    offers = plan_offers.of(session, subscription)
    return _page("update", session, subscription, offers=offers)


@bp.get("/<subscription_id>/confirm")
def confirm(secret: str, subscription_id: str) -> Answer:
    session, subscription = _find_changeable(secret, subscription_id)
    problem = session.pop("_problem", None)
    store.save(session)
    return _confirm(session, subscription, request.args, problem)


@bp.post("/<subscription_id>/confirm")
def apply(secret: str, subscription_id: str) -> Answer:
    session, subscription = _find_changeable(secret, subscription_id)
    try:
        choice = Choice.read(session, subscription, request.form)
        if choice.at_period_end:
            choice.schedule()
        else:
            url = _change_now(session, choice)
            if url:
                return redirect(url, 303)
    except (ApiError, ValueError) as error:
        message = error.message if isinstance(error, ApiError) else str(error)
        problem = f"{message} Your plan is unchanged."
        return _confirm(session, subscription, request.form, problem), 422
    return _changed(session)


def _confirm(session, subscription, given, error) -> str:
    try:
        choice = Choice.read(session, subscription, given)
        quote = choice.quote()
    except (ApiError, ValueError) as problem:
        error = error or (problem.message if isinstance(problem, ApiError) else str(problem))
        choice, quote = None, None
    return _page("confirm", session, subscription, choice=choice, quote=quote, error=error)


def _change_now(session: dict[str, Any], choice: Choice) -> str | None:
    """Make the change; the bank's address when it wants to be asked first."""
    try:
        with store.savepoint():
            changing.update(
                choice.subscription, choice.params() | {"payment_behavior": "error_if_incomplete"}
            )
        return None
    except ApiError as error:
        if not (error.code or "").endswith("requires_action"):
            raise
    # The bank must be asked: the change waits for the payment.
    before = store.get("subscription", choice.subscription["id"])
    after = changing.update(before, choice.params() | {"payment_behavior": "pending_if_incomplete"})
    intent = invoicing.intent_of(store.get("invoice", after["latest_invoice"]))
    if not intent or intent["status"] != "requires_action":
        return None
    variables = {"secret": session["_secret"], "subscription_id": after["id"]}
    return bank_url(intent, base_url() + url_for(".confirmed", **variables))


@bp.get("/<subscription_id>/confirmed")
def confirmed(secret: str, subscription_id: str) -> Answer:
    """Back from the bank, which may have refused."""
    session, _ = _find(secret, subscription_id)
    if request.args.get("redirect_status") == "failed":
        session["_problem"] = "Your bank did not confirm the payment. Your plan is unchanged."
        store.save(session)
        return redirect(url_for("portal.home", secret=secret))
    return _changed(session)


def _changed(session: dict[str, Any]) -> Response:
    session["_message"] = "Your plan is changed."
    store.save(session)
    return portal_session.finished(session, "subscription_update", "subscription_update_confirm")


# The end -----------------------------------------------------------------------------------------


@bp.get("/<subscription_id>/cancel")
def cancel(secret: str, subscription_id: str) -> Answer:
    session, subscription = _find(secret, subscription_id)
    feature = portal_session.features(session)["subscription_cancel"]
    if not feature["enabled"] or subscription["cancel_at"]:
        return redirect(url_for("portal.home", secret=secret))
    reasons = feature["cancellation_reason"]
    return _page(
        "cancel",
        session,
        subscription,
        at_period_end=feature["mode"] == "at_period_end",
        last_day=day(_period_end(subscription)),
        reasons=[(value, FEEDBACK[value]) for value in reasons["options"]]
        if reasons["enabled"]
        else [],
        offer=_offer(session),
    )


@bp.post("/<subscription_id>/cancel")
def end(secret: str, subscription_id: str) -> Answer:
    session, subscription = _find(secret, subscription_id)
    feature = portal_session.features(session)["subscription_cancel"]
    if not feature["enabled"] or subscription["cancel_at"]:
        return redirect(url_for("portal.home", secret=secret), 303)
    offer = _offer(session)
    if request.form.get("action") == "stay" and offer:
        changing.update(subscription, {"discounts": [{"coupon": offer["coupon"]}]})
        session["_message"] = "Your discount is applied."
        store.save(session)
        return portal_session.finished(session, "subscription_cancel")
    details = {
        name: request.form[name].strip()
        for name in ("feedback", "comment")
        if request.form.get(name, "").strip()
    }
    if feature["mode"] == "at_period_end":
        # The hosted portal sets the date alone, not cancel_at_period_end.
        changing.update(
            subscription,
            {"cancel_at": _period_end(subscription), "cancellation_details": details},
        )
    else:
        prorate = feature["proration_behavior"] != "none"
        ending.cancel(
            subscription,
            {
                "prorate": prorate,
                "invoice_now": feature["proration_behavior"] == "always_invoice",
                "cancellation_details": details,
            },
        )
    return portal_session.finished(session, "subscription_cancel")


@bp.post("/<subscription_id>/keep")
def keep(secret: str, subscription_id: str) -> Answer:
    session, subscription = _find(secret, subscription_id)
    if subscription["cancel_at"] and subscription["cancel_at"] > clock.now():
        changing.update(subscription, {"cancel_at": ""})
        session["_message"] = "Your plan goes on."
        store.save(session)
    return redirect(url_for("portal.home", secret=secret), 303)


def _period_end(subscription: dict[str, Any]) -> int:
    return ending.period_end(items.of(subscription))


def _offer(session: dict[str, Any]) -> dict[str, Any] | None:
    flow = portal_session.flow(session) or {}
    retention = (flow.get("subscription_cancel") or {}).get("retention")
    if not retention:
        return None
    return plan_offers.coupon_offer(retention["coupon_offer"]["coupon"])


# A pause -----------------------------------------------------------------------------------------


@bp.get("/<subscription_id>/pause")
def pause(secret: str, subscription_id: str) -> Answer:
    session, subscription = _find(secret, subscription_id)
    if not portal_session.features(session)["subscription_pause"]["enabled"]:
        return redirect(url_for("portal.home", secret=secret))
    return _page("pause", session, subscription)


@bp.post("/<subscription_id>/pause")
def begin_pause(secret: str, subscription_id: str) -> Answer:
    session, subscription = _find(secret, subscription_id)
    if portal_session.features(session)["subscription_pause"]["enabled"]:
        pausing.pause(subscription, {})
    return portal_session.finished(session, "subscription_pause")


@bp.post("/<subscription_id>/resume")
def resume(secret: str, subscription_id: str) -> Answer:
    session, subscription = _find(secret, subscription_id)
    if subscription["status"] == "paused":
        pausing.resume(subscription, {"payment_behavior": "resume_on_payment_success"})
        session["_message"] = "Your plan goes on."
        store.save(session)
    return redirect(url_for("portal.home", secret=secret), 303)
