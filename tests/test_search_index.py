"""What accounts are found by follows what is written, in the mirror and in our own tables."""

from __future__ import annotations

import pytest

from billing import search_words, sync
from billing.search_words import range_of, terms, words
from models import Account, CustomerTerm, PaymentReference, SearchTerm, db


@pytest.fixture
def held(app):
    """The terms by which an account is found now."""

    def look(name="Northwind"):
        with app.app_context():
            account = db.session.query(Account).filter_by(name=name).one()
            found = db.session.query(SearchTerm.term).filter_by(account_id=account.id)
            return {term for (term,) in found}

    return look


def test_words_are_lower_cased_without_accents_in_any_script():
    assert words("Müller & Söhne GmbH") == ["muller", "sohne", "gmbh"]
    assert words("ΑΘΗΝΑ Привет हिन्दी") == ["αθηνα", "привет", "हिन्दी"]
    assert words("100% under_score") == ["100", "under", "score"]
    assert words("%_") == []


def test_a_name_without_spaces_is_found_from_any_of_its_characters():
    assert "東京" in terms("株式会社東京")
    assert "株式" in {term[:2] for term in terms("株式会社東京")}


def test_a_range_of_terms_holds_all_that_begins_so_and_nothing_else():
    for beginning in ("a", "nor", "\ud7ff", "x\U0010ffff", "é"):
        first, after = range_of(beginning)
        inside = [beginning, beginning + "\U0010ffff" * 3, beginning + "z"]
        assert all(first <= each < after for each in inside)
        assert not first <= after < after
    assert len(search_words.address_term("A" * 500 + "@X.example")) == 100


def test_an_account_is_found_by_its_name_its_members_and_their_addresses(people, held):
    people.owner("ada@northwind.example")
    people.join("bob.jones@else.example", role="viewer")
    assert {"northwind", "ada", "ada@northwind.example", "bob", "jones"} <= held()
    assert "status:none" in held()


def test_a_renamed_account_is_found_by_its_new_name_only(people, held):
    people.owner().post("/accounts/name", data={"name": "Südwind Trading"})
    assert {"sudwind", "trading"} <= held("Südwind Trading")
    # The owner's address still has the old word in it.
    assert "northwind" in held("Südwind Trading")


def test_a_member_who_leaves_or_changes_name_is_followed(app, people, held):
    owner = people.owner()
    people.join("zoe@other.example", role="owner")
    zoe = people.sign_in("zoe@other.example")
    zoe.post("/settings", data={"name": "Zoë Quintana", "locale": "en_GB"})
    assert "quintana" in held()
    zoe.post("/members/leave")
    assert not held() & {"quintana", "zoe", "zoe@other.example"}
    assert owner.get("/members").status_code == 200


def test_a_subscription_makes_status_plan_price_and_card_findable(app, people, subscribe, held):
    people.owner()
    subscribe()
    found = held()
    assert {"status:active", "4242"} <= found
    assert "status:none" not in found
    assert any(term.startswith("plan:") for term in found)
    assert any(term.startswith("price:price_") for term in found)
    assert "failed:payment" not in found


def test_a_refused_renewal_makes_the_account_one_with_failed_payments(
    app, stripe, people, subscribe, held
):
    people.owner()
    subscription = subscribe(card="pm_card_visa")
    stripe.v1.subscriptions.cancel(subscription)
    with app.app_context():
        sync.pull("subscription", subscription)
    assert "status:canceled" in held()
    assert not any(term.startswith("price:") for term in held())


def test_a_customer_without_an_account_is_findable_until_one_is_linked(app, stripe):
    customer = stripe.v1.customers.create({"name": "Jane Roe", "email": "jane@roe.example"})
    with app.app_context():
        sync.pull("customer", customer.id)
        assert db.session.query(CustomerTerm).filter_by(term="roe").count() == 1
        db.session.add(Account(name="Roe & Co", stripe_customer_id=customer.id))
        db.session.commit()
        assert db.session.query(CustomerTerm).count() == 0
        assert db.session.query(SearchTerm).filter_by(term="jane@roe.example").count() == 1


def test_the_payments_of_invoices_are_known_by_their_ids(app, people, subscribe):
    people.owner()
    subscribe()
    with app.app_context():
        (reference,) = db.session.query(PaymentReference)
        assert reference.stripe_id.startswith("pi_")
        assert reference.invoice_id.startswith("in_")
