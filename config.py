"""Settings: the only reader of the environment; refuses to start on a bad one.

`load()` reads the environment once into a frozen `Settings`. Every problem is reported together,
each naming its variable, what is wrong and a valid example. Development and the demo need no
variable at all: they talk to the sandbox on this machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from babel.localedata import load as locale_data
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent
STRIPE_API = "https://api.stripe.com"
# Stripe.js is released with the API's major versions; this is the one of the pinned version.
STRIPE_JS = "https://js.stripe.com/endive/stripe.js"
SANDBOX = "http://127.0.0.1:8001"
# Celery's broker: a folder, which is enough for one machine.
FILE_BROKER = f"filesystem://{ROOT}/instance/tasks"
ENVIRONMENTS = ("development", "demo", "production")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# The mails about an account's billing, each of which MAILS_OFF can name.
BILLING_MAILS = (
    "receipt",
    "payment_failed",
    "bank_confirmation",
    "debit_started",
    "trial_ending",
    "renewal_coming",
    "card_expiring",
    "plan_changed",
    "plan_change_scheduled",
    "cancelled",
    "cancellation_undone",
    "ended",
    "paused",
    "resumed",
    "resumption_refused",
    "refund",
    "refund_failed",
    "credit_note",
    "purchase_receipt",
    "price_change",
    "payment_request",
)
# What an account may use where that is the owner's to decide: full, read_only or none.
ACCESS_LEVELS = {
    "past_due": "read_only",  # when the grace period is over
    "unpaid": "read_only",
    "paused": "none",
    "collection_paused": "full",  # the subscription goes on, its invoices are not collected
}


class ConfigurationError(Exception):
    """The environment cannot be used; the message lists every problem."""

    def __init__(self, problems: list[str]):
        self.problems = problems
        super().__init__("The settings are not usable:\n" + "\n".join(f"  - {p}" for p in problems))


@dataclass(frozen=True)
class Brand:
    """What makes the portal look like its owner's product."""

    name: str = "Tidewater"
    logo_url: str | None = None
    colour: str = "#0f6b58"
    support_email: str = "support@tidewater.example"
    terms_url: str | None = None
    privacy_url: str | None = None


@dataclass(frozen=True)
class Mail:
    """Where mail goes: a server, or a folder that `/dev/mail` shows (with the sandbox only)."""

    sender: str
    folder: Path | None = None
    server: str = "localhost"
    port: int = 25
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    use_tls: bool = False


@dataclass(frozen=True)
class Finance:
    """What finance's exports begin with."""

    time_zone: str = "UTC"
    # Xero's own chart of accounts calls 200 "Sales"; the tax name must be one of the ledger's.
    revenue_account: str = "200"
    tax_name: str = "Tax Exempt"


@dataclass(frozen=True)
class StripeSources:
    """Origins that our pages load from or lead to, for the content security policy.

    Stripe's docs, "Stripe.js content security policy" and "Custom domains".
    """

    scripts: tuple[str, ...]
    frames: tuple[str, ...]
    connections: tuple[str, ...]
    images: tuple[str, ...]
    pages: tuple[str, ...]

    @classmethod
    def all_from(cls, origin: str) -> StripeSources:
        """One origin serves everything: the sandbox."""
        return cls((origin,), (origin,), (origin,), (origin,), (origin,))


STRIPE_SOURCES = StripeSources(
    scripts=("https://js.stripe.com", "https://*.js.stripe.com"),
    frames=("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"),
    connections=("https://api.stripe.com",),
    images=("https://*.stripe.com",),
    pages=(
        "https://checkout.stripe.com",
        "https://billing.stripe.com",
        "https://invoice.stripe.com",
        "https://hooks.stripe.com",
    ),
)


@dataclass(frozen=True)
class Settings:
    environment: str
    secret_key: str = field(repr=False)
    database_url: str = field(repr=False)
    site_url: str
    stripe_secret_key: str = field(repr=False)
    stripe_publishable_key: str
    stripe_webhook_secrets: tuple[str, ...] = field(repr=False)
    stripe_api_base: str
    stripe_js_url: str
    brand: Brand
    mail: Mail
    trusted_proxies: int = 0
    grace_days: int = 7
    access_levels: Mapping[str, str] = field(default_factory=lambda: dict(ACCESS_LEVELS))
    # The id of a coupon at Stripe that is offered once to who cancels as too expensive.
    retention_coupon: str | None = None
    # A file whose number of seconds is added to the portal's clock: a demo lives through months.
    clock_offset_file: Path | None = None
    # Names of BILLING_MAILS that are not sent.
    mails_off: frozenset[str] = frozenset()
    # What finance's figures are converted into; None: each currency by itself only.
    reporting_currency: str | None = None
    # How much of the reporting currency one unit of another is worth, by lower-case code.
    exchange_rates: Mapping[str, Decimal] = field(default_factory=dict)
    broker_url: str = field(default=FILE_BROKER, repr=False)
    # How many days before a subscriber's price changes they are written to.
    price_notice_days: int = 30
    # How many subscribers a second are set down for a new price at Stripe; 0 is without limit.
    price_moves_per_second: int = 0
    finance: Finance = Finance()
    stripe_network_retries: int = 2
    testing: bool = False

    @property
    def livemode(self) -> bool:
        """Which of Stripe's two modes the key opens; events of the other are quarantined."""
        return _is_live(self.stripe_secret_key)

    @property
    def uses_local_stripe(self) -> bool:
        return urlsplit(self.stripe_api_base).hostname in LOOPBACK

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def allows_demo_password(self) -> bool:
        """A password that everybody knows is for a Stripe that nobody else can reach."""
        return self.uses_local_stripe and not self.is_production

    @property
    def stripe_sources(self) -> StripeSources:
        if self.uses_local_stripe:
            return StripeSources.all_from(self.stripe_api_base)
        return STRIPE_SOURCES


def load(environ: Mapping[str, str] | None = None, *, serving: bool = True) -> Settings:
    """The settings of `environ` (the process's own by default).

    `serving` is False for commands that run before the webhook secret exists, such as
    `flask billing stripe-setup`, which creates it. Raises ConfigurationError.
    """
    env = os.environ if environ is None else environ
    read = _Reader(env)

    environment = read.choice("PORTAL_ENV", ENVIRONMENTS, default="development")
    production = environment == "production"

    key = read.text("STRIPE_SECRET_KEY", default=None if production else "sk_test_sandbox")
    api_base = read.url(
        "STRIPE_API_BASE",
        default=STRIPE_API if production or env.get("STRIPE_SECRET_KEY") else SANDBOX,
        example=STRIPE_API,
    )
    local = urlsplit(api_base).hostname in LOOPBACK
    publishable = read.text(
        "STRIPE_PUBLISHABLE_KEY",
        default="pk_test_sandbox" if local else None,
        example="pk_test_51Abc...",
    )
    _check_keys(read, key, publishable, local)
    secrets = _webhook_secrets(read, local=local, serving=serving)

    # A live key is production whatever the environment is called.
    guarded = production or _is_live(key)
    secret_key = read.text("SECRET_KEY", default=None if guarded else "development-only")
    if guarded and 0 < len(secret_key) < SHORTEST_SECRET:
        read.problem(
            "SECRET_KEY",
            f"is shorter than {SHORTEST_SECRET} characters",
            EXAMPLES["SECRET_KEY"],
        )

    database_url = _database_url(read)
    site_url = read.url(
        "SITE_URL",
        default=None if guarded else "http://127.0.0.1:8000",
        example="https://billing.example.com",
    )
    plain = site_url.startswith("http://") and urlsplit(site_url).hostname not in LOOPBACK
    if guarded and plain:
        read.problem("SITE_URL", "must be https in production", "https://billing.example.com")
    if environment == "demo" and not local:
        read.problem("PORTAL_ENV", "is demo, which runs on the sandbox only", "production")

    brand = _brand(read)
    settings_mail = _mail(read, local and not production, brand)
    proxies = read.number("TRUSTED_PROXIES", default=0)
    grace_days = read.number("GRACE_DAYS", default=7)
    access_levels = _access_levels(read)
    clock_offset_file = _clock_offset_file(read, guarded=guarded)
    mails_off = _mails_off(read)
    reporting_currency, exchange_rates = _reporting(read)
    broker_url = _broker_url(read)
    notice_days = read.number("PRICE_NOTICE_DAYS", default=30)
    if notice_days > LONGEST_NOTICE:
        read.problem("PRICE_NOTICE_DAYS", f"is more than {LONGEST_NOTICE} days", "30")
    moves_per_second = _price_moves_per_second(read, key=key, local=local)
    finance = _finance(read)
    if read.problems:
        raise ConfigurationError(read.problems)
    return Settings(
        environment=environment,
        secret_key=secret_key,
        database_url=database_url,
        site_url=site_url,
        stripe_secret_key=key,
        stripe_publishable_key=publishable,
        stripe_webhook_secrets=secrets,
        stripe_api_base=api_base,
        stripe_js_url=f"{api_base}/stripe.js" if local else STRIPE_JS,
        brand=brand,
        mail=settings_mail,
        trusted_proxies=proxies,
        grace_days=grace_days,
        retention_coupon=read.optional("RETENTION_COUPON"),
        access_levels=access_levels,
        clock_offset_file=clock_offset_file,
        mails_off=mails_off,
        reporting_currency=reporting_currency,
        exchange_rates=exchange_rates,
        broker_url=broker_url,
        price_notice_days=notice_days,
        price_moves_per_second=moves_per_second,
        finance=finance,
    )


class _Reader:
    """Reads variables and gathers what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]):
        self.environ = environ
        self.problems: list[str] = []

    def problem(self, name: str, wrong: str, example: str) -> None:
        self.problems.append(f"{name} {wrong}. Valid: {name}={example}")

    def text(self, name: str, *, default: str | None, example: str = "...") -> str:
        value = self.environ.get(name, "").strip()
        if value:
            return value
        if default is None:
            self.problem(name, "is not set", EXAMPLES.get(name, example))
            return ""
        return default

    def optional(self, name: str) -> str | None:
        return self.environ.get(name, "").strip() or None

    def choice(self, name: str, choices: tuple[str, ...], *, default: str) -> str:
        value = self.text(name, default=default)
        if value not in choices:
            self.problem(name, f"is {value!r}, which is none of {', '.join(choices)}", default)
            return default
        return value

    def url(self, name: str, *, default: str | None, example: str) -> str:
        value = self.text(name, default=default, example=example).rstrip("/")
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.netloc):
            self.problem(name, f"is {value!r}, which is not a web address", example)
        return value

    def optional_url(self, name: str, example: str) -> str | None:
        return self.url(name, default="", example=example) or None

    def number(self, name: str, *, default: int) -> int:
        value = self.text(name, default=str(default))
        if not value.isascii() or not value.isdigit():
            self.problem(name, f"is {value!r}, which is not a whole number", str(default))
            return default
        return int(value)


SHORTEST_SECRET = 32
# Days between a notice and what it announces, at most.
LONGEST_NOTICE = 365
EXAMPLES = {
    "SECRET_KEY": "the output of: python3 -c 'import secrets; print(secrets.token_hex(32))'",
    "STRIPE_SECRET_KEY": "sk_test_51Abc...",
    "STRIPE_WEBHOOK_SECRET": "whsec_abc... (several, comma-separated, while rolling)",
    "MAIL_SERVER": "smtp.example.com",
}


def _is_live(key: str) -> bool:
    return key.startswith(("sk_live_", "rk_live_"))


def _check_keys(read: _Reader, key: str, publishable: str, local: bool) -> None:
    """The two keys have Stripe's shapes, are of one mode, and a live one never meets a sandbox."""
    if not key:
        return
    if not re.match(r"(sk|rk)_(test|live)_\w+$", key):
        read.problem(
            "STRIPE_SECRET_KEY",
            "does not look like a secret key",
            EXAMPLES["STRIPE_SECRET_KEY"],
        )
        return
    live = _is_live(key)
    mode = "live" if live else "test"
    if publishable and not re.match(rf"pk_{mode}_\w+$", publishable):
        read.problem(
            "STRIPE_PUBLISHABLE_KEY",
            f"is not a publishable key of STRIPE_SECRET_KEY's mode ({mode})",
            f"pk_{mode}_51Abc...",
        )
    if local and live:
        read.problem(
            "STRIPE_API_BASE", "is a sandbox, but STRIPE_SECRET_KEY is a live key", STRIPE_API
        )
    expected = "true" if live else "false"
    if read.choice("STRIPE_LIVEMODE", ("true", "false"), default=expected) != expected:
        read.problem(
            "STRIPE_LIVEMODE",
            f"expects events of the other mode than STRIPE_SECRET_KEY, a {mode} key",
            expected,
        )


def _database_url(read: _Reader) -> str:
    """An address with its driver; a wrong one is never shown, as it may hold a password."""
    value = read.text("DATABASE_URL", default=f"sqlite:///{ROOT}/instance/portal.sqlite3")
    try:
        make_url(value).get_dialect().import_dbapi()
    except (ArgumentError, ModuleNotFoundError):
        read.problem(
            "DATABASE_URL",
            "is not the address of a database that we have a driver for",
            "postgresql://portal:password@localhost/portal",
        )
    return value


def _webhook_secrets(read: _Reader, *, local: bool, serving: bool) -> tuple[str, ...]:
    given = read.optional("STRIPE_WEBHOOK_SECRET") or ("whsec_sandbox" if local else "")
    secrets = tuple(part.strip() for part in given.split(",") if part.strip())
    if not secrets and serving:
        read.problem(
            "STRIPE_WEBHOOK_SECRET",
            "is not set, so no webhook could be checked; "
            "`flask billing stripe-setup` creates the endpoint and prints its secret",
            EXAMPLES["STRIPE_WEBHOOK_SECRET"],
        )
    elif not all(secret.startswith("whsec_") for secret in secrets):
        read.problem(
            "STRIPE_WEBHOOK_SECRET",
            "holds a value that is not a signing secret",
            EXAMPLES["STRIPE_WEBHOOK_SECRET"],
        )
    return secrets


def _access_levels(read: _Reader) -> dict[str, str]:
    """The levels of `ACCESS_LEVELS`, such as "unpaid=none, paused=read_only", over the usual."""
    levels = dict(ACCESS_LEVELS)
    for part in filter(None, read.environ.get("ACCESS_LEVELS", "").replace(" ", "").split(",")):
        name, _, level = part.partition("=")
        if name not in levels or level not in {"full", "read_only", "none"}:
            read.problem(
                "ACCESS_LEVELS",
                f"holds {part!r}; the names are {', '.join(levels)}, "
                "the levels full, read_only and none",
                "unpaid=none,paused=read_only",
            )
        else:
            levels[name] = level
    return levels


def _clock_offset_file(read: _Reader, *, guarded: bool) -> Path | None:
    value = read.optional("CLOCK_OFFSET_FILE")
    if value and guarded:
        read.problem("CLOCK_OFFSET_FILE", "is set, but production keeps real time; unset it", "")
    return Path(value) if value and not guarded else None


def _mails_off(read: _Reader) -> frozenset[str]:
    """The mails that are not sent, for instance because Stripe sends its own."""
    named = {name.strip() for name in (read.optional("MAILS_OFF") or "").split(",")} - {""}
    if unknown := sorted(named - set(BILLING_MAILS)):
        read.problem(
            "MAILS_OFF",
            f"names {', '.join(unknown)}, but the mails are {', '.join(BILLING_MAILS)}",
            "receipt,refund",
        )
    return frozenset(named)


def _reporting(read: _Reader) -> tuple[str | None, dict[str, Decimal]]:
    """The reporting currency and the rates into it, such as "eur=1.08, jpy=0.0067"."""
    currency = (read.optional("REPORTING_CURRENCY") or "").lower()
    if currency and not _is_currency(currency):
        read.problem("REPORTING_CURRENCY", f"is {currency!r}, which is no currency", "usd")
    rates: dict[str, Decimal] = {}
    for part in filter(None, read.environ.get("EXCHANGE_RATES", "").replace(" ", "").split(",")):
        code, _, given = part.lower().partition("=")
        rate = _rate(given)
        if not _is_currency(code) or rate is None or code == currency or code in rates:
            read.problem(
                "EXCHANGE_RATES",
                f"holds {part!r}; it takes a currency other than the reporting one, once, "
                "and how much of the reporting currency one unit of it is worth",
                "eur=1.08,jpy=0.0067",
            )
        else:
            rates[code] = rate
    if rates and not currency:
        read.problem("REPORTING_CURRENCY", "is not set, but EXCHANGE_RATES lead to it", "usd")
    return currency or None, rates


def _is_currency(code: str) -> bool:
    return code.upper() in locale_data("en")["currency_names"]


def _rate(text: str) -> Decimal | None:
    """A positive number; None for anything else."""
    try:
        rate = Decimal(text)
    except InvalidOperation:
        return None
    return rate if rate.is_finite() and rate > 0 else None


def _price_moves_per_second(read: _Reader, *, key: str, local: bool) -> int:
    """How many moves a second keep to a share of what Stripe allows; no limit on the sandbox.

    A move calls each of four endpoints about once: 25 of them a second reach the limit of one
    endpoint in live mode, 6 the whole limit of a test key (Stripe's docs, "Rate limits").
    """
    share = read.number("PRICE_MOVE_SHARE", default=40)
    if not 1 <= share <= 100:
        read.problem("PRICE_MOVE_SHARE", f"is {share}, which is no percentage", "40")
    if local:
        return 0
    return max(1, (25 if _is_live(key) else 6) * share // 100)


def _broker_url(read: _Reader) -> str:
    """Never shown when it is wrong, as it may hold a password."""
    value = read.text("CELERY_BROKER_URL", default=FILE_BROKER)
    parts = urlsplit(value)
    if parts.scheme == "filesystem" and not parts.path.strip("/"):
        read.problem("CELERY_BROKER_URL", "names no folder", "filesystem:///var/lib/portal/tasks")
    elif not re.fullmatch(r"[a-z][a-z0-9+]*://.+", value):
        read.problem(
            "CELERY_BROKER_URL", "is not the address of a broker", "redis://localhost:6379/0"
        )
    return value


def _finance(read: _Reader) -> Finance:
    default = Finance()
    zone = read.text("TIME_ZONE", default=default.time_zone)
    if zone not in available_timezones():
        read.problem("TIME_ZONE", f"is {zone!r}, which is not a time zone", "Europe/Berlin")
    return Finance(
        time_zone=zone,
        revenue_account=read.text("EXPORT_REVENUE_ACCOUNT", default=default.revenue_account),
        tax_name=read.text("EXPORT_TAX_NAME", default=default.tax_name),
    )


def _brand(read: _Reader) -> Brand:
    default = Brand()
    colour = read.text("BRAND_COLOUR", default=default.colour)
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        read.problem("BRAND_COLOUR", f"is {colour!r}, which is not a colour", default.colour)
    support = read.text("SUPPORT_EMAIL", default=default.support_email)
    if "@" not in support:
        read.problem(
            "SUPPORT_EMAIL", f"is {support!r}, which is not a mail address", default.support_email
        )
    return Brand(
        name=read.text("BRAND_NAME", default=default.name),
        logo_url=read.optional_url("BRAND_LOGO_URL", "https://example.com/logo.svg"),
        colour=colour,
        support_email=support,
        terms_url=read.optional_url("TERMS_URL", "https://example.com/terms"),
        privacy_url=read.optional_url("PRIVACY_URL", "https://example.com/privacy"),
    )


def _mail(read: _Reader, into_folder: bool, brand: Brand) -> Mail:
    sender = read.text("MAIL_SENDER", default=brand.support_email)
    server = read.optional("MAIL_SERVER")
    if server is None and into_folder:
        return Mail(
            sender=sender,
            folder=Path(read.text("MAIL_FOLDER", default=str(ROOT / "instance" / "mail"))),
        )
    if server is None:
        read.problem(
            "MAIL_SERVER", "is not set, so nobody could confirm an address", EXAMPLES["MAIL_SERVER"]
        )
    return Mail(
        sender=sender,
        server=server or "",
        port=read.number("MAIL_PORT", default=587),
        username=read.optional("MAIL_USERNAME"),
        password=read.optional("MAIL_PASSWORD"),
        use_tls=read.choice("MAIL_USE_TLS", ("true", "false"), default="true") == "true",
    )
