"""The portal's clock: the machine's, or moved by a file, never in production."""

from __future__ import annotations

import dataclasses
import json

import pytest

from sandbox import events
from tests.conftest import SITE, WEBHOOK_SECRET
from tests.quote_page import text_of


@pytest.fixture
def settings(settings, tmp_path):
    return dataclasses.replace(settings, clock_offset_file=tmp_path / "clock_offset")


def test_pages_follow_the_clock_file(app, settings, people, subscribe, clock):
    ada = people.owner()
    subscribe("Northwind", "team", trial_period_days=14)
    assert "runs until 3 December" in text_of(ada.get("/"))
    settings.clock_offset_file.write_text(f"{40 * 86_400}\n")
    # The period that the mirror knows of is over by then, so a change has to wait for the renewal.
    assert "renew" in text_of(ada.get("/plan-change/business"))


def test_a_clock_file_that_is_empty_or_missing_moves_nothing(app, settings, people, subscribe):
    ada = people.owner()
    subscribe("Northwind", "team", trial_period_days=14)
    settings.clock_offset_file.write_text("")
    assert ada.get("/").status_code == 200


def test_a_webhook_is_as_old_as_the_machine_says_whatever_the_clock_file_does(
    app, settings, client, clock
):
    settings.clock_offset_file.write_text(f"{400 * 86_400}\n")
    stamp = int(clock.now.timestamp())
    event = {"id": "evt_1", "object": "event", "type": "unknown", "created": stamp}
    body = json.dumps(event | {"livemode": False, "data": {"object": {"id": "x_1"}}}).encode()
    answer = client.post(
        f"{SITE}/webhooks/stripe",
        data=body,
        csrf=False,
        content_type="application/json",
        headers={"Stripe-Signature": events.signature(body, WEBHOOK_SECRET, stamp)},
    )
    assert answer.status_code == 200
