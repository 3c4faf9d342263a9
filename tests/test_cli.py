"""The flask command: what stands in its way is told in sentences, never as a stack trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from billing import create_app

ROOT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "PORTAL_ENV": "production",
    "SECRET_KEY": "k" * 64,
    "SITE_URL": "https://billing.example.com",
    "STRIPE_SECRET_KEY": "sk_test_51Abc",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_51Abc",
    "MAIL_SERVER": "smtp.example.com",
}


def flask(*arguments, **environ):
    """The exit status and words of the command, run as an operator runs it."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **PRODUCTION, **environ},
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("command", [["billing", "doctor"], ["db", "upgrade"]], ids=" ".join)
def test_settings_that_cannot_work_are_listed(command):
    status, said = flask(*command, SITE_URL="http://billing.example.com", MAIL_PORT="smtp")
    assert status == 1
    assert "SITE_URL must be https" in said
    assert "MAIL_PORT is 'smtp'" in said
    assert "Traceback" not in said


def test_serving_without_a_webhook_secret_is_refused():
    status, said = flask("run", "--port", "0")
    assert status == 1
    assert "STRIPE_WEBHOOK_SECRET is not set" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["sync", "process-webhooks", "seed-demo"])
def test_a_database_without_tables_leads_to_the_doctor(bare_settings, stripe_calls, command):
    result = create_app(bare_settings).test_cli_runner().invoke(args=["billing", command])
    assert result.exit_code == 1
    assert "flask billing doctor" in result.output
    assert "SELECT" not in result.output
