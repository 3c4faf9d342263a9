"""The portal's own side of a sign-up: the account and its members, at the moment they joined."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import current_app
from flask_security import hash_password

from billing.commands.seed_demo import DEMO_PASSWORD
from demo.population import Company
from models import Account, Membership, Pause, User, db

ROLES = ("owner", "billing", "viewer")


class Accounts:
    """Opens accounts; everybody in them signs in with the demo's password."""

    def __init__(self) -> None:
        # One hash for all: each takes as long as it is meant to.
        self._password = hash_password(DEMO_PASSWORD)

    def open(self, company: Company, at: int) -> int:
        """A new account with its members, and its id."""
        moment = datetime.fromtimestamp(at, UTC)
        account = Account(name=company.name, created_at=moment)
        people = zip(company.people, company.addresses(), ROLES, strict=False)
        for number, (name, email, role) in enumerate(people):
            joined = moment + timedelta(days=2 * number)
            user = self._user(name, email, joined)
            account.memberships.append(Membership(user=user, role=role, created_at=joined))
        db.session.add(account)
        db.session.commit()
        return account.id

    def _user(self, name: str, email: str, joined: datetime) -> User:
        user: User = current_app.extensions["security"].datastore.create_user(
            email=email,
            name=name,
            password=self._password,
            # Flask-Security keeps UTC without saying so.
            confirmed_at=joined.replace(tzinfo=None),
            create_datetime=joined.replace(tzinfo=None),
        )
        return user

    def is_customer(self, account_id: int, customer_id: str) -> None:
        db.session.get_one(Account, account_id).stripe_customer_id = customer_id
        db.session.commit()

    def subscribed(self, account_id: int, at: int) -> None:
        account = db.session.get_one(Account, account_id)
        if account.first_subscribed_at is None:
            account.first_subscribed_at = datetime.fromtimestamp(at, UTC)
        db.session.commit()

    def paused(self, account_id: int, subscription_id: str, at: int) -> None:
        moment = datetime.fromtimestamp(at, UTC)
        pause = Pause(
            account_id=account_id,
            subscription_id=subscription_id,
            requested_at=moment,
            paused_at=moment,
            idempotency_key=f"demo-pause-{subscription_id}-{at}",
        )
        db.session.add(pause)
        db.session.commit()

    def resumed(self, subscription_id: str, at: int) -> None:
        running = db.select(Pause).filter_by(subscription_id=subscription_id, ended_at=None)
        for pause in db.session.scalars(running):
            pause.ended_at = datetime.fromtimestamp(at, UTC)
        db.session.commit()
