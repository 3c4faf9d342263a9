"""What invoices say about the account, and its tax IDs."""

from __future__ import annotations

import html
import re

import pytest

from billing import sync, tax_id_types
from billing.errors import InvalidRequest
from billing.gateway import billing_details as gateway
from billing.gateway import tax_ids
from models import Account, AuditEntry, Customer, db

DETAILS = {
    "name": "Northwind Traders",
    "business_name": "Northwind GmbH",
    "email": "invoices@northwind.example",
    "line1": "Hauptstraße 5",
    "line2": "",
    "postal_code": "10115",
    "city": "Berlin",
    "state": "",
    "country": "DE",
}


@pytest.fixture
def owner(people):
    """An owner of an account that has no customer at Stripe yet."""
    return people.owner()


@pytest.fixture
def customer_of(app, stripe):
    """The customer of an account, as Stripe has it now."""

    def retrieve(account="Northwind"):
        with app.app_context():
            stripe_id = db.session.query(Account).filter_by(name=account).one().stripe_customer_id
        return stripe.v1.customers.retrieve(stripe_id, {"expand": ["tax_ids"]})

    return retrieve


def text_of(answer):
    return re.sub(r"\s+", " ", html.unescape(answer.get_data(as_text=True)))


def hidden(page, name):
    """The value of a hidden field of the page, as a browser would send it back."""
    source = page.get_data(as_text=True)
    (tag,) = re.findall(rf'<input[^>]*name="{name}"[^>]*>', source)
    return html.unescape(re.search(r'value="([^"]*)"', tag)[1])


def save(browser, page=None, **typed):
    """Sends the form as it was shown on `page` (opened now when None), with `typed` in it."""
    page = page or browser.get("/billing-details")
    return browser.post("/billing-details", data={"seen": hidden(page, "seen"), **typed})


def add_tax_id(browser, type="eu_vat", value="DE123456789"):
    page = browser.get("/billing-details")
    data = {"tax_id-type": type, "tax_id-value": value}
    data["tax_id-attempt"] = hidden(page, "tax_id-attempt")
    return browser.post("/billing-details/tax-ids", data=data)


def test_before_there_is_a_customer_the_form_proposes_what_we_know(owner, stripe_calls):
    page = text_of(owner.get("/billing-details"))
    assert 'value="Northwind"' in page
    assert 'value="ada@northwind.example"' in page
    assert len(stripe_calls) == 0


def test_saving_creates_the_customer_with_all_of_it(app, owner, customer_of):
    answer = save(owner, **DETAILS, custom_1_name="PO", custom_1_value="118", footer="Danke")
    assert (answer.status_code, answer.location) == (303, "/billing-details")
    customer = customer_of()
    assert customer.name == "Northwind Traders"
    assert customer.business_name == "Northwind GmbH"
    assert customer.email == "invoices@northwind.example"
    assert customer.address.to_dict() == {
        "line1": "Hauptstraße 5",
        "line2": None,
        "postal_code": "10115",
        "city": "Berlin",
        "state": None,
        "country": "DE",
    }
    (field,) = customer.invoice_settings.custom_fields
    assert (field.name, field.value) == ("PO", "118")
    assert customer.invoice_settings.footer == "Danke"
    page = text_of(owner.get("/billing-details"))
    assert "are saved" in page
    assert 'value="Hauptstraße 5"' in page
    assert '<option selected value="DE">' in page
    with app.app_context():
        assert db.session.query(AuditEntry).filter_by(action="billing_details.changed").one()


def test_emptied_fields_are_removed_at_stripe(owner, customer_of):
    save(owner, **DETAILS, custom_1_name="PO", custom_1_value="118", footer="Danke")
    empty = dict.fromkeys(("line1", "postal_code", "city", "country", "footer"), "")
    save(owner, **empty, business_name="", custom_1_name="", custom_1_value="")
    customer = customer_of()
    assert customer.address is None
    assert customer.business_name is None
    assert not customer.invoice_settings.custom_fields
    assert customer.invoice_settings.footer is None
    assert customer.name == "Northwind Traders"


def test_two_tabs_each_keep_what_the_other_changed(owner, customer_of):
    save(owner, **DETAILS)
    first, second = owner.get("/billing-details"), owner.get("/billing-details")
    save(owner, first, **{**DETAILS, "city": "Potsdam", "email": "first@northwind.example"})
    save(owner, second, **{**DETAILS, "line1": "Hauptstraße 9"})
    customer = customer_of()
    assert customer.email == "first@northwind.example"
    assert (customer.address.city, customer.address.line1) == ("Potsdam", "Hauptstraße 9")


def test_the_last_of_two_tabs_wins_where_both_changed(owner, customer_of):
    save(owner, **DETAILS)
    first, second = owner.get("/billing-details"), owner.get("/billing-details")
    save(owner, first, **{**DETAILS, "city": "Potsdam"})
    save(owner, second, **{**DETAILS, "city": "Hamburg"})
    assert customer_of().address.city == "Hamburg"


def test_saving_without_a_change_asks_stripe_nothing(owner, stripe_calls):
    save(owner, **DETAILS)
    before = len(stripe_calls)
    answer = save(owner, **DETAILS)
    assert len(stripe_calls) == before
    assert "nothing was changed" in text_of(owner.get(answer.location))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Say who the invoices are for."),
        ({"email": ""}, "Say where invoices go."),
        ({"email": "not an address"}, "Give an address such as"),
        ({"country": "XX"}, "Not a valid choice"),
        ({"custom_2_name": "PO"}, "Fill in both, or neither."),
        ({"custom_2_value": "118"}, "Fill in both, or neither."),
        ({"custom_1_name": "x" * 41, "custom_1_value": "1"}, "40 characters"),
        ({"footer": "x" * 5001}, "5000 characters"),
    ],
)
def test_a_wrong_value_is_told_at_its_field_and_all_that_was_typed_stays(
    owner, stripe_calls, wrong, said
):
    answer = save(owner, **{**DETAILS, "line1": "As typed 7", **wrong})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert 'value="As typed 7"' in text_of(answer)
    assert len(stripe_calls) == 0


def test_after_a_wrong_value_the_corrected_form_saves_what_changed(owner, customer_of):
    save(owner, **DETAILS)
    wrong = save(owner, **{**DETAILS, "email": "nonsense", "city": "Potsdam"})
    assert save(owner, wrong, **{**DETAILS, "city": "Potsdam"}).status_code == 303
    assert customer_of().address.city == "Potsdam"


@pytest.mark.parametrize(
    ("parameter", "field"),
    [
        ("email", "email"),
        ("address[postal_code]", "postal_code"),
        ("invoice_settings[custom_fields][0][value]", "custom_1_value"),
        ("invoice_settings[footer]", "footer"),
    ],
)
def test_what_stripe_refuses_is_told_at_its_field(owner, monkeypatch, parameter, field):
    def refuse(customer_id, changes):
        raise InvalidRequest("Stripe does not take this.", param=parameter)

    monkeypatch.setattr(gateway, "update", refuse)
    answer = save(owner, **DETAILS, custom_1_name="PO", custom_1_value="118", footer="Danke")
    page = text_of(answer)
    assert answer.status_code == 422
    assert f'id="{field}-error">Stripe does not take this.' in page
    assert 'value="Hauptstraße 5"' in page


def test_when_stripe_is_down_nothing_typed_is_lost(owner, stripe_is_down):
    save(owner, **DETAILS)
    stripe_is_down()
    assert owner.get("/billing-details").status_code == 200
    answer = save(owner, **{**DETAILS, "line1": "As typed 7"})
    assert answer.status_code == 503
    assert 'value="As typed 7"' in text_of(answer)
    assert "What you typed is still here." in text_of(answer)


def test_every_country_can_be_chosen_and_none_that_is_none(owner):
    page = owner.get("/billing-details").get_data(as_text=True)
    for code in ("DE", "US", "GB", "JP", "ZA", "XK"):
        assert f'value="{code}"' in page
    for code in ("EU", "ZZ", "UN"):
        assert f'<option value="{code}"' not in page


def test_a_country_stored_as_text_survives(app, owner, stripe, customer_of):
    save(owner, **DETAILS)
    customer = customer_of()
    stripe.v1.customers.update(customer.id, {"address": {"country": "Germany", "line1": "A"}})
    with app.app_context():
        sync.pull("customer", customer.id)
    assert '<option selected value="Germany">' in text_of(owner.get("/billing-details"))


# Tax IDs


def test_a_tax_id_is_added_and_its_verification_shown(app, owner, customer_of, deliver_webhooks):
    assert add_tax_id(owner).status_code == 303
    (tax_id,) = customer_of().tax_ids.data
    assert (tax_id.type, tax_id.value) == ("eu_vat", "DE123456789")
    with app.app_context():
        sync.pull("customer", customer_of().id)
    page = text_of(owner.get("/billing-details"))
    assert "DE123456789" in page
    assert "European Union: VAT number" in page


@pytest.mark.parametrize(
    ("value", "said"),
    [("000000000", "Verified"), ("111111111", "Not verified"), ("222222222", "Being checked")],
)
def test_what_the_register_says_is_shown(app, owner, customer_of, value, said):
    add_tax_id(owner, value=value)
    with app.app_context():
        sync.pull("customer", customer_of().id)
    assert said in text_of(owner.get("/billing-details"))


def test_a_number_stripe_refuses_is_told_with_an_example_and_stays(owner):
    answer = add_tax_id(owner, value="nonsense 12")
    page = text_of(answer)
    assert answer.status_code == 422
    assert "It looks like DE123456789." in page
    assert 'value="nonsense 12"' in page
    assert '<option selected value="eu_vat">' in page
    assert "<details" in page
    assert re.search(r"<details[^>]* open", page)
    assert 'href="#tax_id-value"' in page


def test_a_refused_tax_id_loses_nothing_of_the_other_form(owner):
    save(owner, **DETAILS)
    assert 'value="Hauptstraße 5"' in text_of(add_tax_id(owner, value="nonsense 12"))


def test_the_same_tax_id_is_not_added_twice(owner, customer_of):
    add_tax_id(owner, value="DE123456789")
    answer = add_tax_id(owner, value="de 123 456 789")
    assert answer.status_code == 422
    assert "on your invoices already" in text_of(answer)
    assert len(customer_of().tax_ids.data) == 1


def test_a_removed_tax_id_can_be_added_again(owner, customer_of):
    add_tax_id(owner)
    (tax_id,) = customer_of().tax_ids.data
    answer = owner.post(f"/billing-details/tax-ids/{tax_id.id}/removal")
    assert answer.status_code == 303
    assert customer_of().tax_ids.data == []
    assert "DE123456789</strong>" not in text_of(owner.get("/billing-details"))
    assert add_tax_id(owner).status_code == 303
    assert len(customer_of().tax_ids.data) == 1


def test_another_accounts_tax_id_is_not_found(owner, people, customer_of):
    add_tax_id(owner)
    (tax_id,) = customer_of().tax_ids.data
    stranger = people.owner("eve@elsewhere.example", "Elsewhere")
    assert stranger.post(f"/billing-details/tax-ids/{tax_id.id}/removal").status_code == 404
    assert len(customer_of().tax_ids.data) == 1


def test_every_type_of_stripes_has_a_name_to_choose_it_by(owner):
    page = text_of(owner.get("/billing-details"))
    assert len(tax_ids.TYPES) > 100
    for code in tax_ids.TYPES:
        assert code in tax_id_types.KNOWN
        assert f'value="{code}"' in page
        assert tax_id_types.named(code).label in page


def test_the_types_of_ones_own_country_come_first(owner):
    save(owner, **DETAILS)
    page = text_of(owner.get("/billing-details"))
    own = page[page.index("Where you are") : page.index("All other countries")]
    assert 'value="de_stn"' in own
    assert 'value="eu_vat"' in own
    assert 'value="us_ein"' not in own


# Roles


def test_a_viewer_reads_the_details_and_cannot_change_them(owner, people):
    save(owner, **DETAILS)
    add_tax_id(owner)
    people.join("vera@northwind.example", role="viewer")
    viewer = people.sign_in("vera@northwind.example")
    page = text_of(viewer.get("/billing-details"))
    assert "Hauptstraße 5, 10115 Berlin, Germany" in page
    assert "DE123456789" in page
    assert 'action="/billing-details"' not in page
    assert viewer.post("/billing-details", data=DETAILS).status_code == 403
    assert viewer.post("/billing-details/tax-ids", data={}).status_code == 403


def test_the_billing_role_may_change_them(owner, people, customer_of):
    people.join("bill@northwind.example", role="billing")
    assert save(people.sign_in("bill@northwind.example"), **DETAILS).status_code == 303
    assert customer_of().name == "Northwind Traders"


def test_changing_one_account_leaves_another_alone(app, owner, people):
    save(owner, **DETAILS)
    save(people.owner("eve@elsewhere.example", "Elsewhere"), **{**DETAILS, "name": "Elsewhere"})
    with app.app_context():
        assert {c.name for c in db.session.query(Customer)} == {"Northwind Traders", "Elsewhere"}
