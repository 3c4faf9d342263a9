"""The tables and the questions they answer. No I/O, no Stripe calls, nothing of ours imported.

Two kinds of tables live here. Ours (accounts, people, intents, the inbox, the audit log) are
written by the portal. Mirrored ones (`Mirrored`) are copies of Stripe's objects that only
`billing.sync` writes; they are joined by Stripe's ids without database constraints, because a
mirror must be able to hold what it has been told so far.

Amounts are integers in the currency's minor unit. Times are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    event,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Engine
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    declared_attr,
    mapped_column,
    registry,
    relationship,
)
from sqlalchemy.types import TypeDecorator

STRIPE_ID = String(255)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on every database; SQLite itself keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a datetime without a zone was about to be stored")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(column_0_label)s",
                "uq": "uq_%(table_name)s_%(column_0_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            datetime: UtcDateTime(),
            dict[str, Any]: JSON(none_as_null=True).with_variant(
                JSONB(none_as_null=True), "postgresql"
            ),
            list[Any]: JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
        },
    )


db = SQLAlchemy(model_class=Base)


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """SQLite: readers never wait, writers wait for each other, foreign keys hold."""
    if type(connection).__module__.startswith("sqlite3"):
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "busy_timeout=10000",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")


def utcnow() -> datetime:
    """The default for bookkeeping columns; questions about billing take `now` as an argument."""
    return datetime.now(UTC)


# --------------------------------------------------------------------------------------------
# People
# --------------------------------------------------------------------------------------------

fsqla.FsModels.set_db_info(
    db, user_table_name="users", role_table_name="roles", webauthn_table_name="passkeys"
)

MEMBER_ROLES = ("owner", "billing", "viewer")
STAFF_ROLES = ("admin", "finance", "support")


class Role(db.Model, fsqla.FsRoleMixin):
    """A staff role. Members of accounts have their role in `Membership`."""

    __tablename__ = "roles"


class WebAuthn(db.Model, fsqla.FsWebAuthnMixin):
    """A passkey, as Flask-Security keeps it."""

    __tablename__ = "passkeys"


class User(db.Model, fsqla.FsUserMixin):
    """Who signs in."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(200), default="")
    memberships: Mapped[list[Membership]] = relationship(
        back_populates="user", cascade="all, delete-orphan"
    )

    @property
    def is_staff(self) -> bool:
        return any(role.name in STAFF_ROLES for role in self.roles)

    def get_security_payload(self) -> dict[str, Any]:
        return {"email": self.email, "name": self.name}

    @property
    def initials(self) -> str:
        words = (self.name or self.email).replace("@", " ").split()
        return "".join(word[0] for word in words[:2]).upper()


class Account(db.Model):
    """Who pays: a company or a person, with members and one Stripe customer."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    stripe_customer_id: Mapped[str | None] = mapped_column(STRIPE_ID, unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    # When it first subscribed, be it to a trial; it outlives the customer that did.
    first_subscribed_at: Mapped[datetime | None]
    memberships: Mapped[list[Membership]] = relationship(
        back_populates="account", cascade="all, delete-orphan", order_by="Membership.id"
    )
    customer: Mapped[Customer | None] = relationship(
        primaryjoin="foreign(Account.stripe_customer_id) == Customer.stripe_id", viewonly=True
    )
    members = association_proxy("memberships", "user")

    @property
    def subscription(self) -> Subscription | None:
        """The subscription the account's pages speak of: the live one, else the latest ended."""
        if self.stripe_customer_id is None:
            return None
        found = db.session.scalars(
            select(Subscription)
            .where(
                Subscription.customer_id == self.stripe_customer_id,
                Subscription.deleted_at.is_(None),
            )
            .order_by(Subscription.created.desc(), Subscription.stripe_id.desc())
        ).all()
        return next((s for s in found if s.is_live), found[0] if found else None)

    def role_of(self, user: User) -> str | None:
        return next((m.role for m in self.memberships if m.user_id == user.id), None)


class Membership(db.Model):
    """A user's role in an account: owner, billing, or viewer (reads and downloads only)."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("account_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    account: Mapped[Account] = relationship(back_populates="memberships")
    user: Mapped[User] = relationship(back_populates="memberships")


class Invitation(db.Model):
    """An invitation by mail to join an account. The mail carries a signed token naming this row."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index(
            "uq_invitations_pending",
            "account_id",
            "email",
            unique=True,
            sqlite_where=db.text("accepted_at IS NULL AND revoked_at IS NULL"),
            postgresql_where=db.text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(20))
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    account: Mapped[Account] = relationship()
    invited_by: Mapped[User | None] = relationship()

    def is_open(self, now: datetime) -> bool:
        return self.accepted_at is None and self.revoked_at is None and now < self.expires_at


# --------------------------------------------------------------------------------------------
# The mirror of Stripe: written by billing.sync alone
# --------------------------------------------------------------------------------------------


class Mirrored:
    """A copy of one Stripe object: columns for what we query, the whole object in `data`.

    `version` is the compare-and-swap counter: a pull writes only over the version it read
    before it fetched, so that the newest fetch wins. `deleted_at` is a tombstone that no later
    write may lift.
    """

    stripe_id: Mapped[str] = mapped_column(STRIPE_ID, primary_key=True)
    data: Mapped[dict[str, Any]]
    livemode: Mapped[bool] = mapped_column(default=False)
    created: Mapped[datetime | None] = mapped_column(index=True)
    pulled_at: Mapped[datetime] = mapped_column(default=utcnow)
    deleted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


class Customer(Mirrored, db.Model):
    """Stripe's customer of one account."""

    __tablename__ = "customers"

    email: Mapped[str | None] = mapped_column(String(512), index=True)
    name: Mapped[str | None] = mapped_column(String(512))
    currency: Mapped[str | None] = mapped_column(String(3))
    balance: Mapped[int] = mapped_column(BigInteger, default=0)
    delinquent: Mapped[bool] = mapped_column(default=False)
    country: Mapped[str | None] = mapped_column(String(2))
    default_payment_method_id: Mapped[str | None] = mapped_column(STRIPE_ID)

    account: Mapped[Account | None] = relationship(
        primaryjoin="Customer.stripe_id == foreign(Account.stripe_customer_id)", viewonly=True
    )
    payment_methods: Mapped[list[PaymentMethod]] = relationship(
        primaryjoin="and_(Customer.stripe_id == foreign(PaymentMethod.customer_id), "
        "PaymentMethod.deleted_at.is_(None))",
        order_by="PaymentMethod.created.desc()",
        viewonly=True,
    )
    default_payment_method: Mapped[PaymentMethod | None] = relationship(
        primaryjoin="foreign(Customer.default_payment_method_id) == PaymentMethod.stripe_id",
        viewonly=True,
    )


class Product(Mirrored, db.Model):
    """A plan: a Stripe product with what we show about it, kept in the product's metadata.

    Metadata keys: `slug` (makes the product a plan), `position`, `highlight`, `public`,
    `min_seats`, `max_seats` (both: sold by the seat), `trial_days`, `trial_needs_method` (whether
    a trial asks for a card), `pausable`, `grace_days` (overrides the setting), `changes_to` (ids
    or slugs of the plans it can be changed to; without it, all).

    `purchase` makes it something to buy once, and says what is granted: "credits" (as many as
    `credits` says), "setup" or any other word.
    """

    __tablename__ = "products"

    slug: Mapped[str | None] = mapped_column(String(100), index=True)
    name: Mapped[str] = mapped_column(String(512))
    description: Mapped[str | None] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(index=True)
    public: Mapped[bool] = mapped_column(default=True)
    highlighted: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    min_seats: Mapped[int | None]
    max_seats: Mapped[int | None]
    trial_days: Mapped[int | None]
    trial_needs_method: Mapped[bool] = mapped_column(default=True)
    pausable: Mapped[bool] = mapped_column(default=False)
    grace_days: Mapped[int | None]
    # Ids or slugs of the plans a subscriber of this one may change to; None for all.
    changes_to: Mapped[list[Any] | None]
    purchase: Mapped[str | None] = mapped_column(String(40))
    credits: Mapped[int | None]
    features: Mapped[list[Any]] = mapped_column(default=list)
    default_price_id: Mapped[str | None] = mapped_column(STRIPE_ID)

    prices: Mapped[list[Price]] = relationship(
        primaryjoin="and_(Product.stripe_id == foreign(Price.product_id), "
        "Price.deleted_at.is_(None))",
        order_by="Price.created",
        viewonly=True,
    )

    @property
    def is_per_seat(self) -> bool:
        return self.max_seats is not None

    @property
    def is_offered(self) -> bool:
        return bool(self.active and self.public and self.slug and self.deleted_at is None)

    def can_change_to(self, plan: Product) -> bool:
        """Whether its subscribers may change to `plan` themselves; another interval they may."""
        if not self.changes_to or plan.stripe_id == self.stripe_id:
            return True
        return plan.stripe_id in self.changes_to or plan.slug in self.changes_to

    @classmethod
    def offered(cls) -> Sequence[Product]:
        """The plans a visitor may buy, in the order they are shown."""
        return db.session.scalars(
            select(cls)
            .where(cls.active, cls.public, cls.slug.is_not(None), cls.deleted_at.is_(None))
            .order_by(cls.position, cls.created, cls.stripe_id)
        ).all()

    @classmethod
    def offered_as(cls, slug: str) -> Product | None:
        return next((plan for plan in cls.offered() if plan.slug == slug), None)


class Price(Mirrored, db.Model):
    """A Stripe price of a product."""

    __tablename__ = "prices"

    product_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    active: Mapped[bool]
    type: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3))
    # Null for tiers and for fractions of a cent.
    unit_amount: Mapped[int | None] = mapped_column(BigInteger)
    unit_amount_decimal: Mapped[str | None] = mapped_column(String(40))
    billing_scheme: Mapped[str] = mapped_column(String(20))
    tiers_mode: Mapped[str | None] = mapped_column(String(20))
    tiers: Mapped[list[Any] | None]
    currency_options: Mapped[dict[str, Any] | None]
    interval: Mapped[str | None] = mapped_column(String(10))
    interval_count: Mapped[int | None]
    usage_type: Mapped[str | None] = mapped_column(String(20))
    lookup_key: Mapped[str | None] = mapped_column(String(255), index=True)
    nickname: Mapped[str | None] = mapped_column(String(512))
    tax_behavior: Mapped[str | None] = mapped_column(String(20))

    product: Mapped[Product | None] = relationship(
        primaryjoin="foreign(Price.product_id) == Product.stripe_id", viewonly=True
    )

    @property
    def currencies(self) -> list[str]:
        """Every currency the price can be paid in, its own first."""
        others = [code for code in (self.currency_options or {}) if code != self.currency]
        return [self.currency, *sorted(others)]

    def unit_amount_in(self, currency: str) -> int | None:
        """Minor units for one of it in `currency`; None when it has no single whole amount."""
        if currency == self.currency:
            return self.unit_amount
        option = (self.currency_options or {}).get(currency)
        return option.get("unit_amount") if option else None

    @property
    def is_recurring(self) -> bool:
        return self.type == "recurring"


# Stripe's subscription statuses, compared here and nowhere else.
ENDED_STATUSES = frozenset({"canceled", "incomplete_expired"})
# The first payment is missing: nothing has begun yet, or never did.
NOT_BEGUN_STATUSES = frozenset({"incomplete", "incomplete_expired"})


class Subscription(Mirrored, db.Model):
    __tablename__ = "subscriptions"

    customer_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    status: Mapped[str] = mapped_column(String(30), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    collection_method: Mapped[str] = mapped_column(String(30))
    # Billing periods live on the items; these are the earliest end and its start.
    current_period_start: Mapped[datetime | None]
    current_period_end: Mapped[datetime | None] = mapped_column(index=True)
    start_date: Mapped[datetime | None]
    trial_start: Mapped[datetime | None]
    trial_end: Mapped[datetime | None]
    cancel_at: Mapped[datetime | None]
    cancel_at_period_end: Mapped[bool] = mapped_column(default=False)
    canceled_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancellation_feedback: Mapped[str | None] = mapped_column(String(40))
    default_payment_method_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    schedule_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    latest_invoice_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    pause_collection: Mapped[dict[str, Any] | None]

    customer: Mapped[Customer | None] = relationship(
        primaryjoin="foreign(Subscription.customer_id) == Customer.stripe_id", viewonly=True
    )
    items: Mapped[list[SubscriptionItem]] = relationship(
        back_populates="subscription",
        cascade="all, delete-orphan",
        order_by="SubscriptionItem.position",
    )
    schedule: Mapped[SubscriptionSchedule | None] = relationship(
        primaryjoin="foreign(Subscription.schedule_id) == SubscriptionSchedule.stripe_id",
        viewonly=True,
    )
    latest_invoice: Mapped[Invoice | None] = relationship(
        primaryjoin="foreign(Subscription.latest_invoice_id) == Invoice.stripe_id", viewonly=True
    )
    own_payment_method: Mapped[PaymentMethod | None] = relationship(
        primaryjoin="foreign(Subscription.default_payment_method_id) == PaymentMethod.stripe_id",
        viewonly=True,
    )

    @property
    def is_live(self) -> bool:
        """Not over: it exists for the subscriber, whatever it grants."""
        return self.status not in ENDED_STATUSES and self.deleted_at is None

    @property
    def is_trialing(self) -> bool:
        return self.status == "trialing"

    @property
    def is_past_due(self) -> bool:
        return self.status == "past_due"

    @property
    def ends_on(self) -> datetime | None:
        """When it will end: Stripe sets either `cancel_at` or `cancel_at_period_end`."""
        if not self.is_live:
            return None
        return self.cancel_at or (self.current_period_end if self.cancel_at_period_end else None)

    @property
    def is_ending(self) -> bool:
        return self.ends_on is not None

    @property
    def paused_at(self) -> datetime | None:
        """Since when it is paused as a whole; None when it is not, or Stripe does not say."""
        paused = self._paused
        return datetime.fromtimestamp(paused["transitioned_at"], UTC) if paused else None

    @property
    def pause_reason(self) -> str | None:
        """Stripe's word for why it is paused, such as "trial_end_without_payment_method"."""
        return ((self._paused or {}).get("subscription") or {}).get("type")

    @property
    def _paused(self) -> dict[str, Any] | None:
        if self.status != "paused":
            return None
        return (self.data.get("status_details") or {}).get("paused")

    @property
    def item(self) -> SubscriptionItem | None:
        """The item that is the plan: the first recurring one of a known plan, else the first."""
        planned = [i for i in self.items if i.price and i.price.product and i.price.product.slug]
        return (planned or self.items or [None])[0]

    @property
    def price(self) -> Price | None:
        return self.item.price if self.item else None

    @property
    def plan(self) -> Product | None:
        return self.price.product if self.price else None

    @property
    def quantity(self) -> int:
        return (self.item.quantity if self.item else None) or 1

    @property
    def pause(self) -> Pause | None:
        """The pause asked for here that it is in; None when it is not paused, or by others."""
        if self.status != "paused":
            return None
        return db.session.scalar(
            select(Pause).where(Pause.subscription_id == self.stripe_id, Pause.ended_at.is_(None))
        )

    @property
    def payment_method(self) -> PaymentMethod | None:
        """What the next charge goes to: its own method, else the customer's default."""
        if self.own_payment_method is not None:
            return self.own_payment_method
        return self.customer.default_payment_method if self.customer else None


class SubscriptionItem(db.Model):
    """One price on a subscription. Rewritten with its subscription at every pull."""

    __tablename__ = "subscription_items"

    stripe_id: Mapped[str] = mapped_column(STRIPE_ID, primary_key=True)
    subscription_id: Mapped[str] = mapped_column(
        ForeignKey("subscriptions.stripe_id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int]
    price_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    quantity: Mapped[int | None]
    current_period_start: Mapped[datetime | None]
    current_period_end: Mapped[datetime | None]
    data: Mapped[dict[str, Any]]

    subscription: Mapped[Subscription] = relationship(back_populates="items")
    price: Mapped[Price | None] = relationship(
        primaryjoin="foreign(SubscriptionItem.price_id) == Price.stripe_id", viewonly=True
    )


class SubscriptionSchedule(Mirrored, db.Model):
    """What a subscription will become: Stripe's phases."""

    __tablename__ = "subscription_schedules"

    customer_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    subscription_id: Mapped[str | None] = mapped_column(STRIPE_ID, index=True)
    status: Mapped[str] = mapped_column(String(30))
    end_behavior: Mapped[str] = mapped_column(String(20))
    phases: Mapped[list[Any]]

    @property
    def is_live(self) -> bool:
        return self.status in {"not_started", "active"} and self.deleted_at is None

    def next_phase(self, now: datetime) -> dict[str, Any] | None:
        """The phase that begins next after `now`, as Stripe's JSON; None when there is none."""
        if not self.is_live:
            return None
        coming = [p for p in self.phases if p["start_date"] > now.timestamp()]
        return min(coming, key=lambda p: p["start_date"]) if coming else None


class Invoice(Mirrored, db.Model):
    __tablename__ = "invoices"
    __table_args__ = (Index("ix_invoices_customer_created", "customer_id", "created"),)

    customer_id: Mapped[str] = mapped_column(STRIPE_ID)
    subscription_id: Mapped[str | None] = mapped_column(STRIPE_ID, index=True)
    number: Mapped[str | None] = mapped_column(String(100), index=True)
    status: Mapped[str | None] = mapped_column(String(20), index=True)
    billing_reason: Mapped[str | None] = mapped_column(String(40))
    collection_method: Mapped[str] = mapped_column(String(30))
    currency: Mapped[str] = mapped_column(String(3))
    subtotal: Mapped[int] = mapped_column(BigInteger)
    discount: Mapped[int] = mapped_column(BigInteger, default=0)
    tax: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int] = mapped_column(BigInteger)
    amount_due: Mapped[int] = mapped_column(BigInteger)
    amount_paid: Mapped[int] = mapped_column(BigInteger)
    amount_remaining: Mapped[int] = mapped_column(BigInteger)
    starting_balance: Mapped[int] = mapped_column(BigInteger, default=0)
    attempt_count: Mapped[int] = mapped_column(default=0)
    next_payment_attempt: Mapped[datetime | None]
    due_date: Mapped[datetime | None]
    period_start: Mapped[datetime | None]
    period_end: Mapped[datetime | None]
    finalized_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    hosted_invoice_url: Mapped[str | None] = mapped_column(Text)
    invoice_pdf: Mapped[str | None] = mapped_column(Text)

    customer: Mapped[Customer | None] = relationship(
        primaryjoin="foreign(Invoice.customer_id) == Customer.stripe_id", viewonly=True
    )
    lines: Mapped[list[InvoiceLine]] = relationship(
        back_populates="invoice", cascade="all, delete-orphan", order_by="InvoiceLine.position"
    )

    @property
    def is_open(self) -> bool:
        return self.status == "open"

    @property
    def is_paid(self) -> bool:
        return self.status == "paid"

    @property
    def _payments(self) -> list[dict[str, Any]]:
        """Stripe's payments towards it, each with its intent's status and last error."""
        return [one["payment"] for one in (self.data.get("payments") or {}).get("data") or []]

    @property
    def is_processing(self) -> bool:
        """Open, and a payment is on its way: a bank debit takes days to arrive or be refused."""
        return self.is_open and any(
            one.get("payment_intent_status") == "processing" for one in self._payments
        )

    @property
    def needs_confirmation(self) -> bool:
        """To be paid, and the bank waits for the payer to confirm the payment (3-D Secure)."""
        return self.can_be_paid and any(
            one.get("payment_intent_status") == "requires_action" for one in self._payments
        )

    @property
    def wants_its_payer(self) -> bool:
        """The bank refused a payment because nobody was there to confirm it: paying again asks."""
        codes = {"authentication_required", "authentication_not_handled"}
        said = self.decline or {}
        return bool({said.get("code"), said.get("decline_code")} & codes)

    @property
    def decline(self) -> dict[str, Any] | None:
        """What the bank said to the last payment, while the invoice is to be paid; else None.

        Stripe's code, decline_code, advice_code and message, and the id of the payment_method.
        """
        if not self.can_be_paid or self.needs_confirmation:
            return None
        said = [
            one["payment_intent_error"] for one in self._payments if one.get("payment_intent_error")
        ]
        return said[-1] if said else None

    @property
    def can_be_paid(self) -> bool:
        payable = self.status in {"open", "uncollectible"} and self.amount_remaining > 0
        return payable and not self.is_processing

    def is_overdue(self, now: datetime) -> bool:
        """Open with no payment on its way, and past its due date or refused once by the bank."""
        late = self.due_date is not None and self.due_date < now
        return self.is_open and not self.is_processing and (late or self.attempt_count > 0)

    @property
    def label(self) -> str:
        return self.number or "Draft"


class InvoiceLine(db.Model):
    """One line of an invoice. Rewritten with its invoice at every pull."""

    __tablename__ = "invoice_lines"

    stripe_id: Mapped[str] = mapped_column(STRIPE_ID, primary_key=True)
    invoice_id: Mapped[str] = mapped_column(
        ForeignKey("invoices.stripe_id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int]
    description: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    quantity: Mapped[int | None]
    unit_amount_decimal: Mapped[str | None] = mapped_column(String(40))
    price_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    product_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    is_proration: Mapped[bool] = mapped_column(default=False)
    period_start: Mapped[datetime | None]
    period_end: Mapped[datetime | None]
    data: Mapped[dict[str, Any]]

    invoice: Mapped[Invoice] = relationship(back_populates="lines")


class PaymentMethod(Mirrored, db.Model):
    """A saved way to pay. A detached one has no customer any more."""

    __tablename__ = "payment_methods"

    customer_id: Mapped[str | None] = mapped_column(STRIPE_ID, index=True)
    type: Mapped[str] = mapped_column(String(40))
    brand: Mapped[str | None] = mapped_column(String(40))
    last4: Mapped[str | None] = mapped_column(String(4), index=True)
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    fingerprint: Mapped[str | None] = mapped_column(String(64), index=True)
    wallet: Mapped[str | None] = mapped_column(String(40))

    @property
    def expires_on(self) -> date | None:
        """The last day the card can be charged: the last of its month."""
        if not (self.exp_month and self.exp_year):
            return None
        first_after = date(self.exp_year + self.exp_month // 12, self.exp_month % 12 + 1, 1)
        return first_after - timedelta(days=1)

    def is_expired(self, now: datetime) -> bool:
        return self.expires_on is not None and self.expires_on < now.date()

    def expires_soon(self, now: datetime, days: int = 60) -> bool:
        """Not yet expired, but within `days`."""
        return (
            self.expires_on is not None
            and not self.is_expired(now)
            and self.expires_on <= now.date() + timedelta(days=days)
        )


class Refund(Mirrored, db.Model):
    """Money given back, whole or in part, of one payment."""

    __tablename__ = "refunds"

    payment_intent_id: Mapped[str | None] = mapped_column(STRIPE_ID, index=True)
    charge_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    # pending, requires_action, succeeded, failed, canceled
    status: Mapped[str | None] = mapped_column(String(30), index=True)
    reason: Mapped[str | None] = mapped_column(String(60))
    failure_reason: Mapped[str | None] = mapped_column(String(60))


class CreditNote(Mirrored, db.Model):
    """What was taken back of a finalized invoice, before or after it was paid."""

    __tablename__ = "credit_notes"

    customer_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    invoice_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    number: Mapped[str] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(20))  # issued, void
    reason: Mapped[str | None] = mapped_column(String(60))
    currency: Mapped[str] = mapped_column(String(3))
    total: Mapped[int] = mapped_column(BigInteger)
    pre_payment_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    post_payment_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    out_of_band_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    pdf: Mapped[str | None] = mapped_column(Text)
    voided_at: Mapped[datetime | None]


class PaymentIntent(Mirrored, db.Model):
    """A payment that is no invoice's. Its client secret is never kept."""

    __tablename__ = "payment_intents"

    customer_id: Mapped[str | None] = mapped_column(STRIPE_ID, index=True)
    status: Mapped[str] = mapped_column(String(40), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    amount_received: Mapped[int] = mapped_column(BigInteger, default=0)
    amount_refunded: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[str] = mapped_column(String(3))
    description: Mapped[str | None] = mapped_column(Text)
    payment_method_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    charge_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    receipt_url: Mapped[str | None] = mapped_column(Text)
    # Why the last attempt failed, none while one may succeed: a decline code, else Stripe's code.
    error_code: Mapped[str | None] = mapped_column(String(100))
    error_message: Mapped[str | None] = mapped_column(Text)
    canceled_at: Mapped[datetime | None]
    cancellation_reason: Mapped[str | None] = mapped_column(String(40))

    @property
    def waits_for_bank(self) -> bool:
        return self.status == "requires_action"


class Coupon(Mirrored, db.Model):
    """What a discount takes off: a percentage or an amount, for how long."""

    __tablename__ = "coupons"

    name: Mapped[str | None] = mapped_column(String(255))
    # A decimal number as text, such as "20" or "12.5".
    percent_off: Mapped[str | None] = mapped_column(String(20))
    amount_off: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    currency_options: Mapped[dict[str, Any] | None]
    duration: Mapped[str] = mapped_column(String(20))  # once, repeating, forever
    duration_in_months: Mapped[int | None]
    valid: Mapped[bool]
    redeem_by: Mapped[datetime | None]
    # Ids of the products it is for; none is for all.
    applies_to: Mapped[list[Any] | None]

    @property
    def times_redeemed(self) -> int:
        return int(self.data.get("times_redeemed") or 0)

    @property
    def max_redemptions(self) -> int | None:
        return self.data.get("max_redemptions")

    @property
    def is_used_up(self) -> bool:
        return self.max_redemptions is not None and self.times_redeemed >= self.max_redemptions

    @property
    def label(self) -> str:
        """What it is called; Stripe shows the id of one without a name."""
        return self.name or self.stripe_id

    @property
    def amounts_off(self) -> dict[str, int]:
        """Minor units off by currency, its own first; empty for a percentage."""
        if self.amount_off is None or self.currency is None:
            return {}
        others = {c: o["amount_off"] for c, o in (self.currency_options or {}).items()}
        return {self.currency: self.amount_off} | others

    def amount_off_in(self, currency: str) -> int | None:
        """Minor units off in `currency`; None when it takes off none in it."""
        if currency == self.currency:
            return self.amount_off
        option = (self.currency_options or {}).get(currency)
        return option.get("amount_off") if option else None

    def can_be_redeemed(self, now: datetime) -> bool:
        in_time = self.redeem_by is None or now < self.redeem_by
        return self.valid and in_time and self.deleted_at is None


class PromotionCode(Mirrored, db.Model):
    """The word that redeems a coupon."""

    __tablename__ = "promotion_codes"

    code: Mapped[str] = mapped_column(String(255), index=True)
    active: Mapped[bool]
    coupon_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    customer_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    expires_at: Mapped[datetime | None]
    max_redemptions: Mapped[int | None]
    times_redeemed: Mapped[int] = mapped_column(default=0)
    first_time_transaction: Mapped[bool] = mapped_column(default=False)
    minimum_amount: Mapped[int | None] = mapped_column(BigInteger)
    minimum_amount_currency: Mapped[str | None] = mapped_column(String(3))

    coupon: Mapped[Coupon | None] = relationship(
        primaryjoin="foreign(PromotionCode.coupon_id) == Coupon.stripe_id", viewonly=True
    )

    @property
    def is_used_up(self) -> bool:
        return self.max_redemptions is not None and self.times_redeemed >= self.max_redemptions

    @property
    def minima(self) -> dict[str, int]:
        """The least an order must come to, minor units by currency; empty without one."""
        if self.minimum_amount is None or self.minimum_amount_currency is None:
            return {}
        options = self.data["restrictions"].get("currency_options") or {}
        others = {code: option["minimum_amount"] for code, option in options.items()}
        return {self.minimum_amount_currency: self.minimum_amount} | others

    @property
    def duration(self) -> str | None:
        """For how long it takes something off: once, repeating or forever."""
        return self.coupon.duration if self.coupon else None

    def minimum_in(self, currency: str) -> int | None:
        """The least an order must come to, minor units of `currency`; None when there is none."""
        options = (self.data["restrictions"].get("currency_options") or {}).get(currency)
        if options is not None:
            amount: int | None = options["minimum_amount"]
            return amount
        return self.minimum_amount if self.minimum_amount_currency == currency else None


# --------------------------------------------------------------------------------------------
# Intents: what somebody asked for, kept with its idempotency key before Stripe is called
# --------------------------------------------------------------------------------------------


class CheckoutIntent(db.Model):
    """One attempt to buy. At most one is open per account, so that nobody subscribes twice."""

    __tablename__ = "checkout_intents"
    __table_args__ = (
        Index(
            "uq_checkout_intents_open",
            "account_id",
            unique=True,
            sqlite_where=db.text("status = 'open'"),
            postgresql_where=db.text("status = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    status: Mapped[str] = mapped_column(String(20), default="open")  # open, complete, expired
    price_id: Mapped[str] = mapped_column(STRIPE_ID)
    quantity: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    promotion_code_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    # Null without a free trial.
    trial_days: Mapped[int | None]
    trial_needs_method: Mapped[bool | None]
    idempotency_key: Mapped[str] = mapped_column(String(255), unique=True)
    session_id: Mapped[str | None] = mapped_column(STRIPE_ID, unique=True)
    session_url: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime | None]
    account: Mapped[Account] = relationship()


class Quote(db.Model):
    """What a step that charges was said to cost, kept to be charged exactly so.

    `kind` is the step: change (of plan or seats), trial_end (a trial ended early) or resumption
    (of a paused subscription). The last two keep the price and the quantity as they are.
    """

    __tablename__ = "quotes"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)  # random; also idempotency key
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(String(20), default="change", server_default="change")
    subscription_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    from_price_id: Mapped[str] = mapped_column(STRIPE_ID)
    from_quantity: Mapped[int]
    to_price_id: Mapped[str] = mapped_column(STRIPE_ID)
    to_quantity: Mapped[int]
    takes_effect: Mapped[str] = mapped_column(String(20))  # now, period_end
    effective_at: Mapped[datetime]
    proration_date: Mapped[datetime | None]
    promotion_code_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    currency: Mapped[str] = mapped_column(String(3))
    amount_due: Mapped[int] = mapped_column(BigInteger)
    recurring_amount: Mapped[int | None] = mapped_column(BigInteger)
    lines: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
    invoice_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    charged_amount: Mapped[int | None] = mapped_column(BigInteger)


class QuoteDifference(db.Model):
    """A quote that was charged otherwise than it said, to a cent: for staff to look into.

    `quoted` and `charged` are the invoice's amount due for a change made now, and its total for
    one that waited for the period's end; equal when only a credit kept for later differs.
    """

    __tablename__ = "quote_differences"

    id: Mapped[int] = mapped_column(primary_key=True)
    quote_id: Mapped[str] = mapped_column(ForeignKey("quotes.id", ondelete="CASCADE"), unique=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    invoice_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    quoted: Mapped[int] = mapped_column(BigInteger)
    charged: Mapped[int] = mapped_column(BigInteger)
    quoted_currency: Mapped[str] = mapped_column(String(3))
    charged_currency: Mapped[str] = mapped_column(String(3))
    # [{"line": what it is for, "quoted": minor units, "charged": minor units}, ...]
    lines: Mapped[list[Any]]
    seen_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    quote: Mapped[Quote] = relationship()
    account: Mapped[Account] = relationship()


# --------------------------------------------------------------------------------------------
# Access: what staff granted, and what was decided last
# --------------------------------------------------------------------------------------------

# What an account may use, the least first.
ACCESS_LEVELS = ("none", "read_only", "full")


class AccessGrant(db.Model):
    """Access that staff gave an account beside what its subscription gives, until a day."""

    __tablename__ = "access_grants"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    level: Mapped[str] = mapped_column(String(20))
    # The plan it is for; None for whatever plan the account has.
    product_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    reason: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    revoked_at: Mapped[datetime | None]
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    account: Mapped[Account] = relationship()
    granted_by: Mapped[User | None] = relationship(foreign_keys=[granted_by_id])
    plan: Mapped[Product | None] = relationship(
        primaryjoin="foreign(AccessGrant.product_id) == Product.stripe_id", viewonly=True
    )

    def is_in_force(self, now: datetime) -> bool:
        return self.revoked_at is None and self.starts_at <= now < self.ends_at


class AccessDecision(db.Model):
    """What an account was found to be allowed, written whenever that changed: its history.

    The newest row of an account is the last decision. Rows are never updated.
    """

    __tablename__ = "access_decisions"
    __table_args__ = (Index("ix_access_decisions_account_id_id", "account_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(default=utcnow)
    level: Mapped[str] = mapped_column(String(20))
    rule: Mapped[str] = mapped_column(String(60), index=True)
    because: Mapped[str] = mapped_column(Text)
    object_kind: Mapped[str] = mapped_column(String(60))
    object_id: Mapped[str] = mapped_column(STRIPE_ID)
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]
    # The level from `until` on; None when that is decided anew then.
    level_after: Mapped[str | None] = mapped_column(String(20))
    product_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    seats: Mapped[int | None]
    account: Mapped[Account] = relationship()

    @classmethod
    def last_of(cls, account: Account) -> AccessDecision | None:
        return db.session.scalars(
            select(cls).where(cls.account_id == account.id).order_by(cls.id.desc()).limit(1)
        ).first()


class DelayedPayment(db.Model):
    """An invoice whose payment was seen on its way, as a bank debit is for days.

    Its failure comes that much later than the invoice was finalized, and Stripe's objects do not
    say when; so the moment we learnt of it is kept, the first time.
    """

    __tablename__ = "delayed_payments"

    invoice_id: Mapped[str] = mapped_column(STRIPE_ID, primary_key=True)
    seen_at: Mapped[datetime]
    refused_at: Mapped[datetime | None]


# --------------------------------------------------------------------------------------------
# Pauses and cancellations, with the offers made on the way
# --------------------------------------------------------------------------------------------


class Pause(db.Model):
    """A pause that somebody asked for here, and when it is to end. At most one runs at a time.

    Stripe's pause has no date of its own: `resumes_at` is ours to keep (None: until resumed).
    `refused_because` says why a dated resumption did not go through (declined, confirmation,
    no_method, not_possible); the pause then goes on, without a date.
    """

    __tablename__ = "pauses"
    __table_args__ = (
        Index(
            "uq_pauses_running",
            "subscription_id",
            unique=True,
            sqlite_where=db.text("ended_at IS NULL"),
            postgresql_where=db.text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    subscription_id: Mapped[str] = mapped_column(STRIPE_ID)
    requested_at: Mapped[datetime] = mapped_column(default=utcnow)
    idempotency_key: Mapped[str] = mapped_column(String(255), unique=True)
    # Null until Stripe has said so.
    paused_at: Mapped[datetime | None]
    resumes_at: Mapped[datetime | None] = mapped_column(index=True)
    # Of the dated resumption under way; null when none is.
    resumption_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    resumption_asked_at: Mapped[datetime | None]
    refused_because: Mapped[str | None] = mapped_column(String(30))
    refused_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class CancellationOffer(db.Model):
    """An offer that was answered by somebody about to cancel: taken, or cancelled anyway.

    The retention coupon is offered once per account, ever, whatever the answer.
    """

    __tablename__ = "cancellation_offers"
    __table_args__ = (
        Index(
            "uq_cancellation_offers_coupon",
            "account_id",
            unique=True,
            sqlite_where=db.text("offer = 'coupon'"),
            postgresql_where=db.text("offer = 'coupon'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    subscription_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    reason: Mapped[str] = mapped_column(String(40))
    offer: Mapped[str] = mapped_column(String(20))  # coupon, smaller_plan, pause, fewer_seats
    # What was offered: the coupon's id, the plan's slug; nothing for the others.
    subject: Mapped[str | None] = mapped_column(STRIPE_ID)
    # What the subscription costs for one period before discounts, minor units: what is at stake.
    amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    interval: Mapped[str] = mapped_column(String(20))
    shown_at: Mapped[datetime]
    answered_at: Mapped[datetime] = mapped_column(index=True)
    answer: Mapped[str] = mapped_column(String(10))  # accepted, declined
    # asked (of Stripe, no answer yet), applied, refused, led_on (to the page that does it),
    # cancelled
    outcome: Mapped[str] = mapped_column(String(10))
    idempotency_key: Mapped[str | None] = mapped_column(String(255), unique=True)


# --------------------------------------------------------------------------------------------
# Purchases
# --------------------------------------------------------------------------------------------


class Purchase(db.Model):
    """Something bought once, with the payment intent that pays for it.

    Price and what is granted are kept as they were when the buyer saw them. `quantity`, `amount`
    and `status` follow the payment intent, and are written with it.
    """

    __tablename__ = "purchases"
    __table_args__ = (Index("ix_purchases_status_expires", "status", "expires_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)  # random
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    product_id: Mapped[str] = mapped_column(STRIPE_ID)
    price_id: Mapped[str] = mapped_column(STRIPE_ID)
    name: Mapped[str] = mapped_column(String(512))
    quantity: Mapped[int]
    unit_amount: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    # What it grants ("credits", "setup", ...) and how many units for each one bought.
    grants: Mapped[str] = mapped_column(String(40))
    units_each: Mapped[int] = mapped_column(default=1)
    idempotency_key: Mapped[str] = mapped_column(String(255), unique=True)
    payment_intent_id: Mapped[str | None] = mapped_column(STRIPE_ID, unique=True)
    # open, processing, succeeded, canceled
    status: Mapped[str] = mapped_column(String(20), default="open")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    succeeded_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship()
    payment_intent: Mapped[PaymentIntent | None] = relationship(
        primaryjoin="foreign(Purchase.payment_intent_id) == PaymentIntent.stripe_id", viewonly=True
    )
    entries: Mapped[list[PurchaseGrant]] = relationship(
        back_populates="purchase", order_by="PurchaseGrant.id"
    )

    @property
    def is_open(self) -> bool:
        """Not paid, and it still can be."""
        return self.status == "open"

    @property
    def is_processing(self) -> bool:
        """A payment is on its way; a bank debit takes days to arrive or be refused."""
        return self.status == "processing"

    @property
    def is_paid(self) -> bool:
        return self.status == "succeeded"

    @property
    def units(self) -> int:
        """What it grants when it is paid."""
        return self.units_each * self.quantity

    @property
    def units_granted(self) -> int:
        """What it grants now: nothing before it is paid, less after a refund."""
        return sum(entry.units for entry in self.entries)

    @property
    def refunded(self) -> int:
        """Minor units given back."""
        return self.payment_intent.amount_refunded if self.payment_intent else 0


class PurchaseGrant(db.Model):
    """What purchases granted and refunds took back: the units add up to what an account has.

    `key` names the fact, so that it counts once however often it is reported. Never updated.
    """

    __tablename__ = "purchase_grants"
    __table_args__ = (Index("ix_purchase_grants_account_kind", "account_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), unique=True)  # "purchase:abc", "refund:abc:500"
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    purchase_id: Mapped[str] = mapped_column(
        ForeignKey("purchases.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(40))
    units: Mapped[int]  # negative when taken back
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    purchase: Mapped[Purchase] = relationship(back_populates="entries")


# --------------------------------------------------------------------------------------------
# Plans as staff edit them
# --------------------------------------------------------------------------------------------


class PlanDraft(db.Model):
    """What a plan is to become; visitors see nothing of it before it is published.

    `values` are all that can be edited (`billing.plan_values`), `base` the same as they were when
    the draft began: only what differs is written at Stripe. `steps` are changes of prices to come,
    in order; each has an id under which it happens once. A draft ends with its publication.
    """

    __tablename__ = "plan_drafts"

    # The product's id at Stripe; that of a new plan is chosen here, before Stripe is asked.
    product_id: Mapped[str] = mapped_column(STRIPE_ID, primary_key=True)
    is_new: Mapped[bool] = mapped_column(default=False)
    values: Mapped[dict[str, Any]]
    base: Mapped[dict[str, Any]] = mapped_column(default=dict)
    steps: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    # Two people who write at once are told apart by it.
    version: Mapped[int] = mapped_column(default=0)
    updated_by: Mapped[User | None] = relationship()

    __mapper_args__ = {"version_id_col": version}


class HeldDiscount(db.Model):
    """A discount that a customer or a live subscription of theirs has now: who uses a coupon.

    Kept up with what has it at every pull (`billing.held_discounts`).
    """

    __tablename__ = "held_discounts"
    __table_args__ = (
        Index("ix_held_discounts_coupon", "coupon_id", "started_at", "discount_id"),
        Index("ix_held_discounts_promotion_code", "promotion_code_id", "started_at", "discount_id"),
    )

    discount_id: Mapped[str] = mapped_column(STRIPE_ID, primary_key=True)
    # The subscription's id, else the customer's.
    holder_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    customer_id: Mapped[str] = mapped_column(STRIPE_ID)
    coupon_id: Mapped[str] = mapped_column(STRIPE_ID)
    promotion_code_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    started_at: Mapped[datetime]
    # None when it lasts for as long as its holder.
    ends_at: Mapped[datetime | None]

    customer: Mapped[Customer | None] = relationship(
        primaryjoin="foreign(HeldDiscount.customer_id) == Customer.stripe_id", viewonly=True
    )


# --------------------------------------------------------------------------------------------
# Price changes: rehearsed, confirmed, carried out
# --------------------------------------------------------------------------------------------


# While one of these, nothing else may change the same price.
RUNNING_PRICE_CHANGES = ("launching", "moving", "paused")


class PriceChange(db.Model):
    """A price that becomes another one, and what becomes of those who pay it.

    A draft has changed nothing. Confirmed, it is launching (the new price is made at Stripe, step
    by step), then moving (subscribers are scheduled there, until the last of them has renewed),
    paused meanwhile if staff say so, and in the end done or stopped; refused if Stripe would not
    have the new price.
    """

    __tablename__ = "price_changes"
    __table_args__ = (
        Index(
            "uq_price_changes_running",
            "price_id",
            unique=True,
            sqlite_where=db.text("status IN ('launching', 'moving', 'paused')"),
            postgresql_where=db.text("status IN ('launching', 'moving', 'paused')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    price_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    # draft, launching, moving, paused, done, stopped, refused
    status: Mapped[str] = mapped_column(String(20), default="draft", index=True)
    # Minor units for one, by currency.
    old_amounts: Mapped[dict[str, Any]]
    new_amounts: Mapped[dict[str, Any]]
    # A price that is there already is moved to as it is; else one is made when it is confirmed.
    makes_price: Mapped[bool] = mapped_column(default=True)
    new_price_id: Mapped[str | None] = mapped_column(STRIPE_ID, index=True)
    # Who moves when: keep (nobody does), renewal, date; only those whom `who` admits.
    rule: Mapped[str] = mapped_column(String(20), default="renewal")
    # The date, or the first day from which renewals count.
    starts_at: Mapped[datetime | None]
    notice_days: Mapped[int]
    who: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    confirmed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # The launch: one key per step follows from this, kept before Stripe is asked.
    idempotency_key: Mapped[str] = mapped_column(String(100), unique=True)
    launch_attempts: Mapped[int] = mapped_column(default=0)
    launch_next_at: Mapped[datetime | None]
    lookup_key: Mapped[str | None] = mapped_column(String(255))
    was_default: Mapped[bool | None]
    default_moved_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)

    created_by: Mapped[User | None] = relationship(foreign_keys=[created_by_id])
    confirmed_by: Mapped[User | None] = relationship(foreign_keys=[confirmed_by_id])
    product: Mapped[Product | None] = relationship(
        primaryjoin="foreign(PriceChange.product_id) == Product.stripe_id", viewonly=True
    )
    price: Mapped[Price | None] = relationship(
        primaryjoin="foreign(PriceChange.price_id) == Price.stripe_id", viewonly=True
    )
    new_price: Mapped[Price | None] = relationship(
        primaryjoin="foreign(PriceChange.new_price_id) == Price.stripe_id", viewonly=True
    )

    @property
    def is_draft(self) -> bool:
        return self.status == "draft"

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING_PRICE_CHANGES

    @property
    def is_rise(self) -> bool:
        """Whether anybody pays more, in whatever currency."""
        return any(self.new_amounts[code] > old for code, old in self.old_amounts.items())


class PriceMove(db.Model):
    """One subscription's move from the old price to the new one, by a price change.

    pending: not set down at Stripe yet, or to be set down anew. scheduled: a schedule at Stripe
    has it. done: the subscription is on the new price. skipped: it will not move, `reason` says
    why. failed: Stripe would not have it. undoing, undone: staff took it back.

    `reason` is a word of `billing.price_changes.wording`; of a pending one it says what it waits
    for. `amount_before` and `amount_after` are what a period costs at that renewal, net of
    discounts, minor units; None where the mirror cannot tell.
    """

    __tablename__ = "price_moves"
    __table_args__ = (
        UniqueConstraint("change_id", "subscription_id"),
        Index("ix_price_moves_change_status", "change_id", "status", "id"),
        Index("ix_price_moves_due", "status", "next_attempt_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    change_id: Mapped[int] = mapped_column(ForeignKey("price_changes.id", ondelete="CASCADE"))
    subscription_id: Mapped[str] = mapped_column(STRIPE_ID, index=True)
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="SET NULL"), index=True
    )
    status: Mapped[str] = mapped_column(String(20), default="pending")
    reason: Mapped[str | None] = mapped_column(String(40))
    # The plan or the day that the reason names.
    reason_detail: Mapped[str | None] = mapped_column(String(200))
    currency: Mapped[str] = mapped_column(String(3))
    # Of the old price, as it was when the move was last set down.
    quantity: Mapped[int | None]
    amount_before: Mapped[int | None] = mapped_column(BigInteger)
    amount_after: Mapped[int | None] = mapped_column(BigInteger)
    moves_at: Mapped[datetime | None] = mapped_column(index=True)
    schedule_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    # Which time it is set down: part of the idempotency keys.
    round: Mapped[int] = mapped_column(default=1)
    # How often it was claimed, ever: whoever claimed it last may settle it.
    attempts: Mapped[int] = mapped_column(default=0)
    # How often in a row Stripe gave no usable answer.
    failures: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    scheduled_at: Mapped[datetime | None]
    # When its people were written to, and which day they were told.
    noticed_at: Mapped[datetime | None]
    noticed_for: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    change: Mapped[PriceChange] = relationship()
    account: Mapped[Account | None] = relationship()
    subscription: Mapped[Subscription | None] = relationship(
        primaryjoin="foreign(PriceMove.subscription_id) == Subscription.stripe_id", viewonly=True
    )

    @property
    def can_be_undone(self) -> bool:
        return self.status in {"pending", "scheduled", "failed"}


# --------------------------------------------------------------------------------------------
# What finding an account looks into
# --------------------------------------------------------------------------------------------


# --------------------------------------------------------------------------------------------
# Finance: how exports are laid out
# --------------------------------------------------------------------------------------------


# --------------------------------------------------------------------------------------------
# A subscription's past: what it was worth, from when on
# --------------------------------------------------------------------------------------------


# --------------------------------------------------------------------------------------------
# Health: what the background and Stripe last did
# --------------------------------------------------------------------------------------------


# --------------------------------------------------------------------------------------------
# The outbox: effects, written with the change that causes them
# --------------------------------------------------------------------------------------------


class OutboxEntry(db.Model):
    """An effect to come, such as a mail. `key` names the business fact, so it happens once."""

    __tablename__ = "outbox_entries"
    __table_args__ = (Index("ix_outbox_entries_status_next", "status", "next_attempt_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), unique=True)  # "payment_failed:in_123:2"
    kind: Mapped[str] = mapped_column(String(60), index=True)
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    # Ids and figures as they were when the fact became known.
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    # pending, claimed (somebody is at it, until next_attempt_at), sent, skipped (switched off, or
    # true no longer), failed (given up)
    status: Mapped[str] = mapped_column(String(20), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(default=utcnow)
    # Addresses that have it already, when an attempt reached some of them only.
    delivered_to: Mapped[list[Any]] = mapped_column(default=list)
    # Why it was skipped.
    reason: Mapped[str | None] = mapped_column(String(200))
    last_error: Mapped[str | None] = mapped_column(Text)
    settled_at: Mapped[datetime | None]


# --------------------------------------------------------------------------------------------
# The inbox and the audit log
# --------------------------------------------------------------------------------------------


class WebhookEvent(db.Model):
    """A webhook as it came, kept as evidence; its payload is never applied to the mirror."""

    __tablename__ = "webhook_events"
    __table_args__ = (Index("ix_webhook_events_status_received", "status", "received_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stripe_id: Mapped[str] = mapped_column(STRIPE_ID, unique=True)
    type: Mapped[str] = mapped_column(String(100), index=True)
    object_kind: Mapped[str | None] = mapped_column(String(60))
    object_id: Mapped[str | None] = mapped_column(STRIPE_ID, index=True)
    api_version: Mapped[str | None] = mapped_column(String(40))
    livemode: Mapped[bool]
    account: Mapped[str | None] = mapped_column(STRIPE_ID)
    created: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(default=utcnow)
    payload: Mapped[dict[str, Any]]
    # pending, processed, ignored (a type we do nothing for), quarantined (not for us)
    status: Mapped[str] = mapped_column(String(20), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    processed_at: Mapped[datetime | None]


class SyncProgress(db.Model):
    """Where `flask billing sync` stands with one kind, so that it can go on after a stop."""

    __tablename__ = "sync_progress"

    kind: Mapped[str] = mapped_column(String(60), primary_key=True)
    started_at: Mapped[datetime]
    last_id: Mapped[str | None] = mapped_column(STRIPE_ID)
    pulled: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]


class AuditEntry(db.Model):
    """Who did what, when, from where, and what it changed. Never updated, never deleted."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="SET NULL"), index=True
    )
    action: Mapped[str] = mapped_column(String(100), index=True)
    subject: Mapped[str | None] = mapped_column(String(255))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    ip: Mapped[str | None] = mapped_column(String(64))
    user: Mapped[User | None] = relationship()
    account: Mapped[Account | None] = relationship()


MIRRORED: dict[str, type[Any]] = {
    "customer": Customer,
    "product": Product,
    "price": Price,
    "subscription": Subscription,
    "subscription_schedule": SubscriptionSchedule,
    "invoice": Invoice,
    "payment_method": PaymentMethod,
    "refund": Refund,
    "credit_note": CreditNote,
    "coupon": Coupon,
    "promotion_code": PromotionCode,
    "payment_intent": PaymentIntent,
}
