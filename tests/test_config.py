"""Settings: read once, refused all together, each problem with a valid example."""

import dataclasses
from decimal import Decimal

import pytest

import config
from billing import notices as notices
from billing.outbox import EFFECTS

PRODUCTION = {
    "PORTAL_ENV": "production",
    "SECRET_KEY": "k" * 64,
    "SITE_URL": "https://billing.example.com",
    "STRIPE_SECRET_KEY": "sk_live_51Abc",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_51Abc",
    "STRIPE_WEBHOOK_SECRET": "whsec_one,whsec_two",
    "MAIL_SERVER": "smtp.example.com",
}


def refusal(**changes):
    """The problems reported for production settings with these changes (None unsets)."""
    environ = {k: v for k, v in {**PRODUCTION, **changes}.items() if v is not None}
    with pytest.raises(config.ConfigurationError) as refused:
        config.load(environ)
    return refused.value.problems


def test_development_needs_no_variable_and_talks_to_the_sandbox():
    settings = config.load({})
    assert settings.stripe_api_base == "http://127.0.0.1:8001"
    assert settings.stripe_js_url == "http://127.0.0.1:8001/stripe.js"
    assert settings.livemode is False


def test_two_keys_and_the_webhook_secret_point_it_at_real_stripe():
    settings = config.load(PRODUCTION)
    assert settings.stripe_api_base == "https://api.stripe.com"
    assert settings.stripe_js_url == "https://js.stripe.com/endive/stripe.js"
    assert settings.livemode is True
    assert settings.mail.folder is None


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.load({}).secret_key = "another"


@pytest.mark.parametrize("url", ["sqlite:////srv/portal.sqlite3", "postgresql://p:w@localhost/p"])
def test_sqlite_and_postgresql_are_understood(url):
    assert config.load({"DATABASE_URL": url}).database_url == url


def test_several_webhook_secrets_are_valid_at_a_time():
    assert config.load(PRODUCTION).stripe_webhook_secrets == ("whsec_one", "whsec_two")


def test_every_problem_is_reported_at_once_with_its_variable_and_an_example():
    with pytest.raises(config.ConfigurationError) as refused:
        config.load({"PORTAL_ENV": "production", "BRAND_COLOUR": "green"})
    message = str(refused.value)
    for name in (
        "SECRET_KEY",
        "SITE_URL",
        "STRIPE_SECRET_KEY",
        "STRIPE_PUBLISHABLE_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "MAIL_SERVER",
        "BRAND_COLOUR",
    ):
        assert f"{name} " in message
        assert f"{name}=" in message


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"STRIPE_API_BASE": "http://127.0.0.1:8001"}, "STRIPE_API_BASE"),
        ({"STRIPE_LIVEMODE": "false"}, "STRIPE_LIVEMODE"),
        ({"SECRET_KEY": None}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"STRIPE_WEBHOOK_SECRET": None}, "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_WEBHOOK_SECRET": "sk_live_51Abc"}, "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_PUBLISHABLE_KEY": "pk_test_51Abc"}, "STRIPE_PUBLISHABLE_KEY"),
        ({"STRIPE_SECRET_KEY": "pk_live_51Abc"}, "STRIPE_SECRET_KEY"),
        ({"SITE_URL": "http://billing.example.com"}, "SITE_URL"),
        ({"SITE_URL": "billing.example.com"}, "SITE_URL"),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES"),
        ({"PORTAL_ENV": "staging"}, "PORTAL_ENV"),
        ({"PORTAL_ENV": "demo"}, "PORTAL_ENV"),
        ({"SUPPORT_EMAIL": "nobody"}, "SUPPORT_EMAIL"),
        ({"TERMS_URL": "javascript:alert(1)"}, "TERMS_URL"),
        ({"MAIL_PORT": "smtp"}, "MAIL_PORT"),
        ({"GRACE_DAYS": "a week"}, "GRACE_DAYS"),
        ({"TIME_ZONE": "Mars/Olympus"}, "TIME_ZONE"),
        ({"MAILS_OFF": "receipt,recipe"}, "MAILS_OFF"),
        ({"REPORTING_CURRENCY": "dollars"}, "REPORTING_CURRENCY"),
        ({"EXCHANGE_RATES": "eur=1.08"}, "REPORTING_CURRENCY"),
        ({"REPORTING_CURRENCY": "usd", "EXCHANGE_RATES": "eur"}, "EXCHANGE_RATES"),
        ({"REPORTING_CURRENCY": "usd", "EXCHANGE_RATES": "eur=-1"}, "EXCHANGE_RATES"),
        ({"REPORTING_CURRENCY": "usd", "EXCHANGE_RATES": "eur=nan"}, "EXCHANGE_RATES"),
        ({"REPORTING_CURRENCY": "usd", "EXCHANGE_RATES": "usd=1"}, "EXCHANGE_RATES"),
        ({"REPORTING_CURRENCY": "usd", "EXCHANGE_RATES": "eur=1,eur=2"}, "EXCHANGE_RATES"),
        ({"CELERY_BROKER_URL": "redis"}, "CELERY_BROKER_URL"),
        ({"CELERY_BROKER_URL": "filesystem://"}, "CELERY_BROKER_URL"),
        ({"ACCESS_LEVELS": "unpaid=some"}, "ACCESS_LEVELS"),
        ({"ACCESS_LEVELS": "active=none"}, "ACCESS_LEVELS"),
        ({"DATABASE_URL": "portal.sqlite3"}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://localhost/portal"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://portal:db-secret@localhost/portal"}, "DATABASE_URL"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_start(changes, variable):
    problems = refusal(**changes)
    assert [problem.split()[0] for problem in problems] == [variable]
    assert "db-secret" not in problems[0]


def test_a_test_key_that_expects_live_events_is_refused():
    problems = refusal(
        STRIPE_SECRET_KEY="sk_test_51Abc",
        STRIPE_PUBLISHABLE_KEY="pk_test_51Abc",
        STRIPE_LIVEMODE="true",
    )
    assert [problem.split()[0] for problem in problems] == ["STRIPE_LIVEMODE"]


def test_the_webhook_secret_may_be_missing_only_for_the_command_that_creates_it():
    environ = {k: v for k, v in PRODUCTION.items() if k != "STRIPE_WEBHOOK_SECRET"}
    assert config.load(environ, serving=False).stripe_webhook_secrets == ()


def test_no_secret_is_shown_when_settings_are_printed():
    shown = repr(config.load({**PRODUCTION, "MAIL_PASSWORD": "mail-secret"}))
    for secret in ("k" * 64, "sk_live_51Abc", "whsec_one", "mail-secret"):
        assert secret not in shown


def test_the_demo_password_is_only_for_a_stripe_that_nobody_else_can_reach():
    assert config.load({}).allows_demo_password
    assert not config.load(PRODUCTION).allows_demo_password


def test_a_live_key_is_guarded_as_production_whatever_the_environment_is_called():
    problems = refusal(PORTAL_ENV="development", SECRET_KEY=None, SITE_URL=None)
    assert [problem.split()[0] for problem in problems] == ["SECRET_KEY", "SITE_URL"]


def test_a_moved_clock_is_refused_in_production():
    assert config.load({"CLOCK_OFFSET_FILE": "instance/ahead"}).clock_offset_file is not None
    assert "CLOCK_OFFSET_FILE" in refusal(CLOCK_OFFSET_FILE="instance/ahead")[0]


def test_what_is_allowed_when_unpaid_is_the_owners_to_decide():
    levels = config.load({"ACCESS_LEVELS": "unpaid=none, past_due=full"}).access_levels
    assert (levels["unpaid"], levels["past_due"], levels["paused"]) == ("none", "full", "none")


def test_mails_are_switched_off_by_their_names_and_every_one_has_a_notice():
    assert config.load({"MAILS_OFF": " receipt, refund "}).mails_off == {"receipt", "refund"}
    assert config.load({}).mails_off == frozenset()
    assert set(config.BILLING_MAILS) <= set(EFFECTS)


def test_rates_into_a_reporting_currency_are_exact():
    loaded = config.load({"REPORTING_CURRENCY": "USD", "EXCHANGE_RATES": "EUR=1.08, jpy=0.0067"})
    assert loaded.reporting_currency == "usd"
    assert loaded.exchange_rates == {"eur": Decimal("1.08"), "jpy": Decimal("0.0067")}


def test_the_pace_of_moves_is_a_share_of_what_stripe_allows_and_none_on_the_sandbox():
    assert config.load({}).price_moves_per_second == 0
    test_key = {
        "STRIPE_API_BASE": config.STRIPE_API,
        "STRIPE_SECRET_KEY": "sk_test_a",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_a",
        "STRIPE_WEBHOOK_SECRET": "whsec_a",
        "MAIL_SERVER": "smtp.example.com",
    }
    assert config.load(test_key).price_moves_per_second == 2
    assert config.load({**test_key, "PRICE_MOVE_SHARE": "100"}).price_moves_per_second == 6


@pytest.mark.parametrize(
    "given", [{"PRICE_MOVE_SHARE": "0"}, {"PRICE_MOVE_SHARE": "101"}, {"PRICE_NOTICE_DAYS": "366"}]
)
def test_a_share_or_a_notice_that_cannot_be_is_refused(given):
    with pytest.raises(config.ConfigurationError, match=next(iter(given))):
        config.load(given)
