"""Accounts as staff find them, and the page of each."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy.orm import joinedload
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from billing import (
    customer_page,
    customer_rows,
    customer_search,
    paging,
    timeline,
    timeline_words,
)
from billing.authorization import holds_role, staff_required
from billing.clock import now
from billing.customer_search import Search
from billing.pricing import Cadence
from models import Account, Price, Product, db

bp = Blueprint("admin_customers", __name__, url_prefix="/admin/customers")

ACCOUNT = "/<int:account_number>"
# Of all that happened, on the account's page.
LATEST = 15
# Who does something for customers; finance only looks.
CARE = ("admin", "support")
STATUSES = (
    ("", "Any status"),
    ("active", "Active"),
    ("trialing", "In a trial"),
    ("past_due", "Past due"),
    ("unpaid", "Unpaid"),
    ("incomplete", "Awaiting first payment"),
    ("paused", "Paused"),
    ("canceled", "Cancelled"),
    ("incomplete_expired", "First payment expired"),
    ("none", "Never subscribed"),
)


@bp.app_template_filter()
def cadence_words(price: Price) -> str:
    """A recurring price's cadence after its amount: "a month"."""
    return Cadence.of(price).each


class SearchForm(FlaskForm):
    """The search, by GET: it changes nothing, so it carries no token and can be bookmarked."""

    class Meta:
        csrf = False

    q = StringField("Search", [Length(max=200, message="Please keep it under 200 characters.")])
    status = SelectField("Status", choices=[SelectChoice(v, w) for v, w in STATUSES], default="")
    plan = SelectField("Plan", default="")
    failed = BooleanField("Failed payments")

    def __init__(self, plans: list[Product]):
        super().__init__(request.args)
        choices = [SelectChoice("", "Any plan")]
        self.plan.choices = choices + [SelectChoice(p.stripe_id, p.name) for p in plans]

    @property
    def search(self) -> Search:
        return Search(
            text=(self.q.data or "").strip(),
            status=self.status.data or "",
            plan=self.plan.data or "",
            price=request.args.get("price", ""),
            failed=bool(self.failed.data),
        )


@bp.get("")
@staff_required()
def index() -> Any:
    """The list, or straight to what an exact id or number names."""
    form = SearchForm(_plans())
    if not form.validate():
        return render_template("admin/customers/index.html", form=form, search=Search()), 422
    search = form.search
    named = None
    if search.text and not search.is_narrowed:
        named = customer_search.direct(search.text)
        way = _straight_to(named) if named else None
        if way is not None:
            return redirect(way)
    if named is not None and named.accounts:
        found = paging.Page(named.accounts, None, None)
    else:
        found = paging.page(customer_search.accounts(search).options(joinedload(Account.customer)))
    alone = [] if "page" in request.args or named else customer_search.customers_alone(search)
    return render_template(
        "admin/customers/index.html",
        form=form,
        search=search,
        page=found,
        rows=customer_rows.of(found.rows, now()),
        alone=alone,
        is_an_id=customer_search.looks_like_an_id(search.text),
    )


@bp.get(ACCOUNT)
@staff_required()
def show(account_number: int) -> Any:
    """Who they are, where they stand, what they have, and the latest that happened."""
    account = account_or_404(account_number)
    happened = timeline.of(account, size=LATEST)
    return render_template(
        "admin/customers/show.html",
        page=customer_page.of(account, now()),
        happened=happened,
        lines=_lines(account, happened),
        may_act=holds_role(*CARE),
        sees_payloads=holds_role("admin"),
    )


@bp.get(f"{ACCOUNT}/timeline")
@staff_required()
def history(account_number: int) -> Any:
    """Everything that happened, by kind where one is asked for, a page at a time."""
    account = account_or_404(account_number)
    kind = request.args.get("kind", "")
    if kind and kind not in timeline.KINDS:
        abort(404)
    try:
        happened = timeline.of(account, kind=kind, place=request.args.get("page"))
    except timeline.BadPlace:
        abort(404)
    return render_template(
        "admin/customers/history.html",
        account=account,
        happened=happened,
        lines=_lines(account, happened),
        kind=kind,
        sees_payloads=holds_role("admin"),
    )


@bp.get(f"{ACCOUNT}/invoices")
@staff_required()
def invoices(account_number: int) -> Any:
    account = account_or_404(account_number)
    found = paging.Page([], None, None)
    if account.stripe_customer_id is not None:
        found = paging.page(customer_page.invoices(account.stripe_customer_id))
    return render_template("admin/customers/invoices.html", account=account, page=found)


def account_or_404(account_number: int) -> Account:
    found: Account = customer_page.find(account_number) or abort(404)
    return found


def _lines(account: Account, happened: timeline.Timeline) -> list[timeline_words.Line]:
    members = frozenset(each.user_id for each in account.memberships)
    return [timeline_words.line(each, members) for each in happened.entries]


def _plans() -> list[Product]:
    """What accounts may be on, also where it is sold no longer."""
    return list(
        db.session.scalars(
            db.select(Product)
            .where(Product.slug.is_not(None), Product.deleted_at.is_(None))
            .order_by(Product.active.desc(), Product.position, Product.name)
        )
    )


def _straight_to(named: customer_search.Direct) -> str | None:
    """The address of the one thing that is named; None where several are."""
    if len(named.accounts) == 1:
        return url_for(".show", account_number=named.accounts[0].id)
    if named.customer is not None:
        return url_for("admin_stripe_customers.show", stripe_id=named.customer.stripe_id)
    if named.price is not None:
        return url_for(".index", price=named.price.stripe_id)
    if named.plan is not None:
        return url_for(".index", plan=named.plan.stripe_id)
    return None
