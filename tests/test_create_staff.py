"""`flask billing create-staff` makes the people who run the portal."""

import pytest

from models import AuditEntry, User


def create(app, email="ines@tidewater.example", role="admin", password="a-long-staff-password"):
    return app.test_cli_runner().invoke(
        args=["billing", "create-staff", email, "--role", role, "--password", password]
    )


def test_a_new_person_can_sign_in_and_holds_the_role(app, client):
    result = create(app)
    assert "was created and has the role admin" in result.output
    answer = client.post(
        "/login", data={"email": "ines@tidewater.example", "password": "a-long-staff-password"}
    )
    assert answer.status_code == 302


def test_an_existing_user_gains_the_role_and_keeps_the_password(app, people, db_session):
    people.join("ada@northwind.example")
    assert "ada@northwind.example has the role finance" in (
        create(app, "ada@northwind.example", "finance").output
    )
    people.sign_in("ada@northwind.example")
    user = db_session.query(User).filter_by(email="ada@northwind.example").one()
    assert [role.name for role in user.roles] == ["finance"]


def test_it_is_written_in_the_audit_log(app, db_session):
    create(app)
    entry = db_session.query(AuditEntry).one()
    assert (entry.action, entry.subject, entry.after) == (
        "staff.role_granted",
        "ines@tidewater.example",
        {"role": "admin"},
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"email": "not-an-address"}, "not-an-address is no e-mail address"),
        ({"role": "king"}, "'king' is not one of"),
        ({"password": "short"}, "at least 10"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_nobody_is_created(
    app, db_session, wrong, said
):
    refused = create(app, **wrong)
    assert refused.exit_code in {1, 2}
    assert said in refused.output
    assert db_session.query(User).count() == 0
