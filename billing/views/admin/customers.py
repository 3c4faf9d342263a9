"""Accounts as staff find them, and the page of each."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy.orm import joinedload
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from billing import customer_rows, customer_search, paging
from billing.authorization import staff_required
from billing.clock import now
from billing.customer_search import Search
from models import Account, Product, db

bp = Blueprint("admin_customers", __name__, url_prefix="/admin/customers")

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


@bp.get("/<int(max=2147483647):account_number>")
@staff_required()
def show(account_number: int) -> Any:
    account = db.get_or_404(Account, account_number)
    return render_template("admin/customers/show.html", account=account)


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
