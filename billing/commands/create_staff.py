"""`flask billing create-staff`: the people of the company that runs the portal."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_security import EmailValidateException, hash_password

from billing import audit
from models import STAFF_ROLES, db


@click.command("create-staff")
@click.argument("email")
@click.option("--role", type=click.Choice(STAFF_ROLES), required=True)
@click.option("--name", default="", help="How the person is shown.")
@click.password_option(help="Asked for when not given.")
@with_appcontext
def command(email: str, role: str, name: str, password: str) -> None:
    """Give a person a staff role, creating the user when the address is new.

    They sign in with the password and are asked to set up a second factor. An existing user
    keeps the password they have.
    """
    security = current_app.extensions["security"]
    problems, _ = security.password_util.validate(password, is_register=True)
    if problems:
        raise click.ClickException(" ".join(str(problem) for problem in problems))
    datastore = security.datastore
    try:
        address = security.mail_util.validate(email)
    except EmailValidateException as error:
        raise click.BadParameter(f"{email} is no e-mail address.", param_hint="EMAIL") from error
    user = datastore.find_user(email=address)
    created = user is None
    if created:
        user = datastore.create_user(email=address, name=name, password=hash_password(password))
        datastore.activate_user(user)
        user.confirmed_at = security.datetime_factory()
    datastore.add_role_to_user(user, datastore.find_or_create_role(role))
    audit.record("staff.role_granted", address, after={"role": role})
    db.session.commit()
    click.echo(f"{address} {'was created and ' if created else ''}has the role {role}.")
