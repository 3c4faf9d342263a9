"""A worker does the background tasks: Celery itself, by the folder that needs no broker."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from billing import create_app, file_broker, outbox, tasks
from billing.worker import celery_for
from models import Account, Membership, OutboxEntry, db
from tests.conftest import settings_on

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60


@pytest.mark.loopback
def test_a_worker_delivers_what_waits_and_ends_when_told(tmp_path):
    """One process, started as bin/demo starts it, finds a mail that was put before it began."""
    database = f"sqlite:///{tmp_path / 'portal.sqlite3'}"
    app = create_app(settings_on(database))
    with app.app_context():
        db.create_all()
        user = app.extensions["security"].datastore.create_user(
            email="ada@northwind.example",
            password="x",
            confirmed_at=datetime.now(UTC).replace(tzinfo=None),
        )
        account = Account(name="Northwind")
        account.memberships.append(Membership(user=user, role="owner"))
        db.session.add(account)
        db.session.flush()
        outbox.put(
            "purchase_receipt",
            "purchase_receipt:1",
            account_id=account.id,
            name="1,000 credits",
            amount=1000,
            currency="usd",
        )
        db.session.commit()
    worker = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "--quiet",
            "--app",
            "worker",
            "worker",
            "--beat",
            "--loglevel",
            "info",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database,
            "MAIL_FOLDER": str(tmp_path / "mail"),
            "CELERY_BROKER_URL": f"filesystem://{tmp_path / 'tasks'}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = ""
    try:
        for line in worker.stdout:
            said += line
            if "Task deliver_outbox" in line and "succeeded" in line:
                break
    finally:
        os.killpg(worker.pid, signal.SIGTERM)
        said += worker.communicate(timeout=PATIENCE)[0]
    (mail,) = (tmp_path / "mail").glob("*.log")
    assert "1,000 credits" in mail.read_text(), said
    assert worker.returncode == 0, said
    with app.app_context():
        assert db.session.query(OutboxEntry.status).scalar() == "sent"
        db.session.remove()
        db.engine.dispose()


def test_every_task_has_its_time_and_is_known_to_the_worker(app):
    celery = celery_for(app)
    for task in tasks.TASKS:
        assert celery.conf.beat_schedule[task.name]["schedule"] == task.every.total_seconds()
        assert task.name in celery.tasks


def test_a_task_of_celerys_does_its_work(app, outside):
    """What the worker calls, called here."""
    celery_for(app).tasks["deliver_outbox"].apply(throw=True)
    assert outside.box == []


def test_another_broker_is_used_as_it_is_named(app):
    url = "redis://localhost:6379/0"
    app.config["SETTINGS"] = dataclasses.replace(app.config["SETTINGS"], broker_url=url)
    assert celery_for(app).conf.broker_url == url


def test_a_task_that_fails_is_said_and_the_others_run_all_the_same(app, outside, monkeypatch):
    def fail():
        raise RuntimeError("out of order")

    broken = tasks.Task("sweep_inbox", tasks.TASKS[0].every, fail)
    monkeypatch.setattr(tasks, "TASKS", (broken, *tasks.TASKS[1:]))
    done = app.test_cli_runner().invoke(args=["billing", "run-tasks"])
    assert done.exit_code == 1
    assert "sweep_inbox: failed: RuntimeError: out of order" in done.output
    assert "deliver_outbox: 0 sent" in done.output


def test_a_message_of_the_file_broker_is_whole_the_moment_it_appears(app, tmp_path, monkeypatch):
    """Messages are looked at when their file comes into the queue's folder, as a worker may."""
    url = f"filesystem://{tmp_path}"
    app.config["SETTINGS"] = dataclasses.replace(app.config["SETTINGS"], broker_url=url)
    seen = []

    def appear(source, target):
        assert list((tmp_path / "queue").iterdir()) == []
        seen.append(json.loads(source.read_text()))
        source.rename(target)

    monkeypatch.setattr(file_broker.os, "replace", appear)
    celery_for(app).tasks["deliver_outbox"].apply_async()
    (message,) = seen
    assert message["headers"]["task"] == "deliver_outbox"
    assert len(list((tmp_path / "queue").iterdir())) == 1
