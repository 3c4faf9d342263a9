"""Rules for both suites, the portal's and the sandbox's: what may be skipped, and where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = [
    "tests.account_things",
    "tests.billing_mails",
    "tests.failed_payment",
    "tests.staff",
    "tests.price_changing",
    "tests.subscriber",
]

CHROMIUM = "/usr/bin/chromium"
IN_CI = os.environ.get("CI") == "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests need Chromium; in CI they run without it too, and fail."""
    if Path(CHROMIUM).exists() or IN_CI:
        return
    missing = pytest.mark.skip(reason=f"Chromium is not installed at {CHROMIUM}")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(missing)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI everything is there, so a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if IN_CI and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("Skipped tests count as failures in CI.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
