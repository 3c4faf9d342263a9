"""Nothing of one account opens to another: every route of the application, by its table.

A new route fails here until it is listed with the id it takes, or among those that need none.
The routes of staff, who see every account, have a table of their own: `tests/test_staff_roles.py`.
"""

from __future__ import annotations

import pytest

from tests.test_staff_roles import FOR_VISITORS, is_staffs, some_path

# Routes whose address names something of an account, and what to put there.
OF_AN_ACCOUNT = {
    "billing_details.remove_tax_id": lambda of: {"tax_id": of.tax_id},
    "bank_confirmation.begin": lambda of: {"stripe_id": of.invoice},
    "bank_confirmation.look": lambda of: {"stripe_id": of.invoice},
    "bank_confirmation.show": lambda of: {"stripe_id": of.invoice},
    "invoices.show": lambda of: {"stripe_id": of.invoice},
    "invoice_payment.create": lambda of: {"stripe_id": of.invoice},
    "invoice_payment.new": lambda of: {"stripe_id": of.invoice},
    "payment_methods.removal": lambda of: {"stripe_id": of.payment_method},
    "payment_methods.remove": lambda of: {"stripe_id": of.payment_method},
    "members.change_role": lambda of: {"membership_id": of.membership},
    "members.remove": lambda of: {"membership_id": of.membership},
    "invitations.resend": lambda of: {"invitation_id": of.invitation},
    "invitations.revoke": lambda of: {"invitation_id": of.invitation},
    "purchases.show": lambda of: {"purchase_id": of.purchase},
    "purchases.card": lambda of: {"purchase_id": of.purchase},
    "purchases.return_": lambda of: {"purchase_id": of.purchase},
    "purchases.client_secret": lambda of: {"purchase_id": of.purchase},
    "purchases.change_quantity": lambda of: {"purchase_id": of.purchase},
    "purchases.pay": lambda of: {"purchase_id": of.purchase},
    "purchases.call_off": lambda of: {"purchase_id": of.purchase},
}

# What a payment form sends besides; "in_x" is nobody's.
FORM = {"attempt": "attempt-1", "amount": "4900"}
# The same for what a form names.
OF_AN_ACCOUNT_IN_A_FORM = {
    "default_payment_method.update": lambda of: {"payment_method": of.payment_method},
    "bank_confirmation.look": lambda of: {"keep": of.payment_method},
    "invoice_payment.create": lambda of: {"payment_method": of.payment_method, **FORM},
    "open_invoices.pay": lambda of: {"payment_method": of.payment_method, **FORM},
    "purchases.pay": lambda of: {"payment_method": of.payment_method},
    "accounts.switch": lambda of: {"account_id": of.account},
}

# Routes with something in their address that is not an account's.
NOT_OF_AN_ACCOUNT = {
    "static": "files for everyone",
    "plan_change.show": "a plan's slug",
    "plan_change.confirm": "a plan's slug",
    "deep_links.follow": "a token that we signed, whose account must be the reader's",
    "purchases.new": "a price that is on sale",
    "purchases.create": "a price that is on sale",
    "invitations.show": "a token that we signed, sent to one mailbox",
    "invitations.accept": "a token that we signed, and the invited address must be signed in",
    "invitations.register": "a token that we signed, sent to one mailbox",
    "security.confirm_email": "a token that we signed, sent to one mailbox",
    "security.change_email_confirm": "a token that we signed, sent to one mailbox",
    "security.reset_password": "a token that we signed, sent to one mailbox",
    "security.two_factor_setup_validate": "a token that we signed, for who is signed in",
    "security.wan_register_response": "a token that we signed, for who is signed in",
    "security.wan_signin_response": "a token that we signed; the passkey decides",
    "security.wan_verify_response": "a token that we signed; the passkey must be one's own",
}

# Stripe proves itself by its signature instead.
WITHOUT_CSRF = {"webhooks.stripe"}


@pytest.fixture
def rules(app):
    return list(app.url_map.iter_rules())


def path(app, rule, arguments):
    """The rule's path with these arguments."""
    with app.test_request_context():
        return rule.build(arguments, append_unknown=False)[1]


def test_every_route_with_something_in_its_address_is_listed(rules):
    found = {rule.endpoint for rule in rules if rule.arguments and not is_staffs(rule)}
    assert found == set(OF_AN_ACCOUNT) | set(NOT_OF_AN_ACCOUNT)


def test_another_accounts_ids_are_not_found(app, ours, theirs, rules):
    """404 for the stranger and not for the owner, so each id is known to be a real one."""
    listed = [rule for rule in rules if rule.endpoint in OF_AN_ACCOUNT]
    for who in (theirs, ours):
        for rule in sorted(listed, key=lambda rule: rule.endpoint):
            url = path(app, rule, OF_AN_ACCOUNT[rule.endpoint](ours))
            form = {"role": "billing", "payment_method": who.payment_method}
            for method in sorted(rule.methods & {"GET", "POST"}):
                status = who.owner.open(url, method=method, data=form).status_code
                assert (status == 404) is (who is theirs), (method, url, status)


def test_another_accounts_ids_in_a_form_are_not_found(app, ours, theirs, rules):
    """The address names what is one's own; only the form reaches for another account."""
    for rule in rules:
        if rule.endpoint not in OF_AN_ACCOUNT_IN_A_FORM or "POST" not in rule.methods:
            continue
        form = OF_AN_ACCOUNT_IN_A_FORM[rule.endpoint](ours)
        for who in (theirs, ours):
            arguments = OF_AN_ACCOUNT.get(rule.endpoint, lambda of: {})(who)
            status = who.owner.post(path(app, rule, arguments), data=form).status_code
            assert (status == 404) is (who is theirs), (rule.endpoint, status)


def test_every_route_but_the_listed_ones_leads_visitors_to_sign_in(app, client, rules):
    for rule in rules:
        if rule.endpoint in FOR_VISITORS:
            continue
        for method in sorted(rule.methods & {"GET", "POST"}):
            answer = client.open(some_path(app, rule), method=method)
            assert answer.status_code == 302, (method, rule.rule)
            assert answer.headers["Location"].startswith("/login"), (method, rule.rule)


def test_routes_listed_as_open_exist(rules):
    known = {rule.endpoint for rule in rules}
    assert known >= FOR_VISITORS | WITHOUT_CSRF | set(OF_AN_ACCOUNT_IN_A_FORM)


def test_no_form_is_accepted_without_its_token(app, client, people, rules):
    owner = people.owner()
    for rule in rules:
        if "POST" not in rule.methods or rule.endpoint in WITHOUT_CSRF:
            continue
        for who in (owner, client):
            answer = who.post(some_path(app, rule), csrf=False)
            assert answer.status_code == 400, rule.rule
            assert "This form is no longer valid" in answer.get_data(as_text=True)
