"""Who of the staff may open what: every staff route, by its table, for every role.

A new route of `/admin` or `/finance` fails here until it is listed with the roles that have a use
for it; every other role, members of accounts among them, gets 403.
"""

from __future__ import annotations

import pytest

from models import STAFF_ROLES

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
    "admin_customers.show": ALL,
    "admin_webhooks.index": ADMIN,
    "admin_outbox.index": ADMIN,
    "admin_health.index": ADMIN,
    "admin_audit.index": ADMIN,
    "finance_invoices.index": MONEY,
    "finance_credit_notes.index": MONEY,
    "finance_refunds.index": MONEY,
    "finance_tie_out.show": MONEY,
    "finance_metrics.index": MONEY,
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


@pytest.mark.parametrize("role", [*STAFF_ROLES, "member"])
def test_each_role_opens_what_the_table_says_and_gets_403_for_the_rest(app, people, rules, role):
    if role == "member":
        who = people.owner()
    else:
        who = people.staff_member("staff@tidewater.example", role)
    for rule in rules:
        for method in sorted(rule.methods & {"GET", "POST"}):
            status = who.open(some_path(app, rule), method=method).status_code
            assert (status != 403) is (role in ROLES[rule.endpoint]), (method, rule.rule, status)
            assert status < 500, (method, rule.rule, status)
