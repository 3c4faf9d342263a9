"""Who may open what: every route of the application, by its table, for every role.

A new route fails here until it is listed: one of `/admin` or `/finance` with the staff roles that
have a use for it, one of an account with its members' roles, any other with whom it is for.
Everybody else gets 403; who has not signed in is led to do so.
"""

from __future__ import annotations

import pytest

from models import MEMBER_ROLES, STAFF_ROLES

ADMIN = {"admin"}
CARE = {"admin", "support"}
MONEY = {"admin", "finance"}
ALL = set(STAFF_ROLES)

# endpoint: the staff roles that may use it.
ROLES = {
    "admin_overview.index": ALL,
    "admin_plans.index": ADMIN,
    "admin_plans.new": ADMIN,
    "admin_plans.create": ADMIN,
    "admin_plans.show": ADMIN,
    "admin_plans.move": ADMIN,
    "admin_plan_drafts.edit": ADMIN,
    "admin_plan_drafts.save": ADMIN,
    "admin_plan_drafts.confirm_removal": ADMIN,
    "admin_plan_drafts.remove": ADMIN,
    "admin_plan_drafts.preview": ADMIN,
    "admin_plan_drafts.publish": ADMIN,
    "admin_plan_prices.new": ADMIN,
    "admin_plan_prices.create": ADMIN,
    "admin_plan_prices.new_currency": ADMIN,
    "admin_plan_prices.create_currency": ADMIN,
    "admin_plan_prices.confirm_retirement": ADMIN,
    "admin_plan_prices.retire": ADMIN,
    "admin_plan_prices.remove_planned": ADMIN,
    "admin_plan_availability.confirm_hiding": ADMIN,
    "admin_plan_availability.hide": ADMIN,
    "admin_plan_availability.confirm_archiving": ADMIN,
    "admin_plan_availability.archive": ADMIN,
    "admin_plan_availability.restore": ADMIN,
    "admin_price_changes.index": ADMIN,
    "admin_price_changes.new": ADMIN,
    "admin_price_changes.create": ADMIN,
    "admin_price_changes.show": ADMIN,
    "admin_price_changes.choose": ADMIN,
    "admin_price_changes.export": ADMIN,
    "admin_price_changes.confirmation": ADMIN,
    "admin_price_changes.confirm": ADMIN,
    "admin_price_changes.discard": ADMIN,
    "admin_price_moves.export": ADMIN,
    "admin_price_moves.launch_again": ADMIN,
    "admin_price_moves.pause": ADMIN,
    "admin_price_moves.resume": ADMIN,
    "admin_price_moves.stop_page": ADMIN,
    "admin_price_moves.stop": ADMIN,
    "admin_price_moves.retry": ADMIN,
    "admin_price_moves.undo_page": ADMIN,
    "admin_price_moves.undo_all": ADMIN,
    "admin_price_moves.undo": ADMIN,
    "admin_coupons.index": ADMIN,
    "admin_coupons.new": ADMIN,
    "admin_coupons.create": ADMIN,
    "admin_coupons.show": ADMIN,
    "admin_coupons.count": ADMIN,
    "admin_coupons.confirm_retirement": ADMIN,
    "admin_coupons.retire": ADMIN,
    "admin_promotion_codes.index": ADMIN,
    "admin_promotion_codes.new": ADMIN,
    "admin_promotion_codes.create": ADMIN,
    "admin_promotion_codes.show": ADMIN,
    "admin_promotion_codes.confirm_retirement": ADMIN,
    "admin_promotion_codes.retire": ADMIN,
    "admin_customers.index": ALL,
    "admin_invoices.show": ALL,
    "admin_refund.show": CARE,
    "admin_refund.create": CARE,
    "admin_credit_note.show": CARE,
    "admin_credit_note.create": CARE,
    "admin_invoice_closing.show": CARE,
    "admin_invoice_closing.create": CARE,
    "admin_balance_adjustment.show": CARE,
    "admin_balance_adjustment.create": CARE,
    "admin_trial_extension.show": CARE,
    "admin_trial_extension.create": CARE,
    "admin_coupon_application.show": CARE,
    "admin_coupon_application.create": CARE,
    "admin_coupon_application.removal": CARE,
    "admin_coupon_application.remove": CARE,
    "admin_cancellation.show": CARE,
    "admin_cancellation.create": CARE,
    "admin_cancellation.undo": CARE,
    "admin_plan_change.show": CARE,
    "admin_plan_change.create": CARE,
    "admin_plan_change.drop": CARE,
    "admin_off_session_charge.show": CARE,
    "admin_off_session_charge.create": CARE,
    "admin_payment_link.show": CARE,
    "admin_payment_link.create": CARE,
    "admin_customers.show": ALL,
    "admin_customers.history": ALL,
    "admin_customers.invoices": ALL,
    "admin_stripe_customers.show": ALL,
    "admin_access_grants.new": CARE,
    "admin_access_grants.create": CARE,
    "admin_access_grants.revocation": CARE,
    "admin_access_grants.revoke": CARE,
    "admin_customer_view.new": CARE,
    "admin_customer_view.start": CARE,
    "admin_customer_view.end": ALL,
    "admin_webhooks.index": ADMIN,
    "admin_webhooks.show": ADMIN,
    "admin_webhooks.process": ADMIN,
    "admin_webhooks.process_failed": ADMIN,
    "admin_outbox.index": ADMIN,
    "admin_outbox.show": ADMIN,
    "admin_outbox.mail": ADMIN,
    "admin_outbox.retry": ADMIN,
    "admin_outbox.retry_all": ADMIN,
    "admin_outbox.confirm_repetition": ADMIN,
    "admin_outbox.repeat": ADMIN,
    "admin_health.index": ADMIN,
    "admin_quote_differences.index": ADMIN,
    "admin_quote_differences.resolve": ADMIN,
    "admin_audit.index": ADMIN,
    "admin_audit.show": ADMIN,
    "finance_invoices.index": MONEY,
    "finance_credit_notes.index": MONEY,
    "finance_refunds.index": MONEY,
    "finance_tie_out.show": MONEY,
    "finance_tie_out.export": MONEY,
    "finance_invoices.export": MONEY,
    "finance_credit_notes.export": MONEY,
    "finance_refunds.export": MONEY,
    "finance_exports.index": MONEY,
    "finance_exports.show": MONEY,
    "finance_export_presets.index": MONEY,
    "finance_export_presets.new": MONEY,
    "finance_export_presets.create": MONEY,
    "finance_export_presets.removal": MONEY,
    "finance_export_presets.remove": MONEY,
    "finance_metrics.home": MONEY,
    "finance_metrics.index": MONEY,
    "finance_metrics.subscribers": MONEY,
    "finance_metrics.failed_payments": MONEY,
    "finance_metrics.export": MONEY,
}

OWNERS = {"owner"}
PAYERS = {"owner", "billing"}
EVERY_MEMBER = set(MEMBER_ROLES)

# endpoint: the roles of an account's members that may use it.
MEMBERS = {
    "accounts.rename": OWNERS,
    "bank_confirmation.begin": PAYERS,
    "bank_confirmation.look": PAYERS,
    "bank_confirmation.show": PAYERS,
    "billing_details.add_tax_id": PAYERS,
    "billing_details.edit": EVERY_MEMBER,
    "billing_details.remove_tax_id": PAYERS,
    "billing_details.update": PAYERS,
    "cancellation.accept_offer": PAYERS,
    "cancellation.create": PAYERS,
    "cancellation.show": PAYERS,
    "cancellation.undo": PAYERS,
    "checkout.return_": EVERY_MEMBER,
    "checkout.start": PAYERS,
    "default_payment_method.update": PAYERS,
    "hosted_portal.open": PAYERS,
    "hosted_portal.return_": PAYERS,
    "invitations.create": OWNERS,
    "invitations.resend": OWNERS,
    "invitations.revoke": OWNERS,
    "invoice_payment.create": PAYERS,
    "invoice_payment.new": PAYERS,
    "invoices.export": EVERY_MEMBER,
    "invoices.index": EVERY_MEMBER,
    "invoices.show": EVERY_MEMBER,
    "members.change_role": OWNERS,
    "members.index": EVERY_MEMBER,
    "members.leave": EVERY_MEMBER,
    "members.remove": OWNERS,
    "open_invoices.pay": PAYERS,
    "open_invoices.show": PAYERS,
    "pause.create": PAYERS,
    "pause.reschedule": PAYERS,
    "pause.show": PAYERS,
    "payment_methods.begin": PAYERS,
    "payment_methods.index": PAYERS,
    "payment_methods.new": PAYERS,
    "payment_methods.removal": PAYERS,
    "payment_methods.remove": PAYERS,
    "payment_methods.return_": PAYERS,
    "pending_change.discard": PAYERS,
    "pending_change.show": PAYERS,
    "plan_change.confirm": PAYERS,
    "plan_change.show": PAYERS,
    "plan_change.undo": PAYERS,
    "promotion_code.create": PAYERS,
    "promotion_code.remove": PAYERS,
    "promotion_code.show": PAYERS,
    "purchases.call_off": PAYERS,
    "purchases.card": PAYERS,
    "purchases.change_quantity": PAYERS,
    "purchases.client_secret": PAYERS,
    "purchases.create": PAYERS,
    "purchases.index": EVERY_MEMBER,
    "purchases.new": PAYERS,
    "purchases.pay": PAYERS,
    "purchases.return_": PAYERS,
    "purchases.show": EVERY_MEMBER,
    "resumption.confirm": PAYERS,
    "resumption.show": PAYERS,
    "seats.confirm": PAYERS,
    "seats.show": PAYERS,
    "subscription.show": EVERY_MEMBER,
    "trial_end.confirm": PAYERS,
    "trial_end.show": PAYERS,
    "upcoming_charges.index": EVERY_MEMBER,
}

# Routes for everybody who is signed in, whatever their role.
SIGNED_IN = {
    "account_settings.show",
    "account_settings.sign_out_elsewhere",
    "account_settings.two_factor",
    "accounts.new",
    "accounts.switch",
    "invitations.accept",
    "security.change_email",
    "security.change_password",
    "security.mf_recovery_codes",
    "security.two_factor_setup_validate",
    "security.verify",
    "security.wan_delete",
    "security.wan_register",
    "security.wan_register_response",
    "security.wan_verify",
    "security.wan_verify_response",
}

# Routes that a visitor may open; every other one leads to signing in.
FOR_VISITORS = {
    "brand.css",
    "brand.icon",
    "deep_links.follow",
    "health.healthz",
    "health.readyz",
    "home.show",
    "invitations.register",
    "invitations.show",
    "mail_sent.confirmed",
    "mail_sent.show",
    "plans.index",
    "security.change_email_confirm",
    "security.confirm_email",
    "security.forgot_password",
    "security.login",
    "security.logout",
    "security.mf_recovery",
    "security.register",
    "security.reset_password",
    "security.send_confirmation",
    "security.tf_select",
    "security.two_factor_rescue",
    "security.two_factor_setup",
    "security.two_factor_token_validation",
    "security.wan_signin",
    "security.wan_signin_response",
    "static",
    "webhooks.stripe",
}


def is_staffs(rule) -> bool:
    return rule.endpoint.startswith(("admin_", "finance_"))


@pytest.fixture
def rules(app):
    return sorted((r for r in app.url_map.iter_rules() if is_staffs(r)), key=lambda r: r.endpoint)


def some_path(app, rule) -> str:
    """The rule's path with arguments that name nothing."""
    numbers = {"membership_id", "invitation_id"} | {
        n for n in rule.arguments if n.endswith("_number")
    }
    nothing = {name: 987654 if name in numbers else "x" for name in rule.arguments}
    with app.test_request_context():
        return rule.build(nothing, append_unknown=False)[1]


def test_every_staff_route_is_listed_and_under_a_staff_address(rules):
    assert {rule.endpoint for rule in rules} == set(ROLES)
    assert all(rule.rule.startswith(("/admin", "/finance")) for rule in rules)


def test_every_other_route_is_in_exactly_one_table(app):
    endpoints = [rule.endpoint for rule in app.url_map.iter_rules() if not is_staffs(rule)]
    listed = [*MEMBERS, *SIGNED_IN, *FOR_VISITORS]
    assert set(endpoints) == set(listed)
    assert len(listed) == len(set(listed))


VISITOR = "visitor"


@pytest.mark.parametrize("role", [*STAFF_ROLES, *MEMBER_ROLES, VISITOR])
def test_each_role_opens_what_the_tables_say_and_nothing_else(app, people, role):
    who = somebody(app, people, role)
    for rule in sorted(app.url_map.iter_rules(), key=takes_the_way_back):
        for method in sorted(rule.methods & {"GET", "POST"}):
            answer = who.open(some_path(app, rule), method=method)
            # A download that nobody reads to its end keeps its request open.
            answer.close()
            what = (method, rule.rule, answer.status_code)
            assert answer.status_code < 500 or rule.endpoint == "health.readyz", what
            if rule.endpoint in FOR_VISITORS:
                assert answer.status_code != 403, what
            elif role == VISITOR:
                assert answer.status_code in {302, 401}, what
                assert answer.status_code == 401 or "/login" in answer.location, what
            else:
                assert (answer.status_code != 403) is is_for(role, rule.endpoint), what


def takes_the_way_back(rule) -> tuple[bool, bool, str]:
    """The order of the walk: what ends a membership, a second factor or a session comes last."""
    signing_in = rule.endpoint.startswith("security.")
    return signing_in, rule.endpoint == "members.leave", rule.endpoint


def is_for(role: str, endpoint: str) -> bool:
    roles = ROLES.get(endpoint) or MEMBERS.get(endpoint)
    return endpoint in SIGNED_IN if roles is None else role in roles


def somebody(app, people, role):
    """A client of somebody with that role; of an account with two owners, so that one may go."""
    if role == VISITOR:
        return app.test_client()
    if role in STAFF_ROLES:
        return people.staff_member("staff@tidewater.example", role)
    people.join("other@northwind.example")
    people.join("somebody@northwind.example", role=role)
    return people.sign_in("somebody@northwind.example")
