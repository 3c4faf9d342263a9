"""What a newcomer installs: requirements.txt alone has to be enough to run."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Packages here because of a test or a tool are as good as absent, also to importlib's find_spec,
# which Flask-Security asks at start for what its settings need.
START = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in absent:
            raise ModuleNotFoundError(f"{name} is not in requirements.txt", name=name)
absent = set(sys.argv[1:])
sys.meta_path.insert(0, Absent())
import sandbox.__main__
from billing import create_app
import config
create_app(config.load({}))
"""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> set[str]:
    """The distributions requirements.txt names, extras among them: psycopg[binary] is two."""
    found = set()
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if match := re.match(r"([\w.-]+)(?:\[([\w-]+)\])?==", line):
            name, extra = match.groups()
            found |= {normal(name)} | ({normal(f"{name}-{extra}")} if extra else set())
    return found


def test_the_portal_and_the_sandbox_start_with_what_requirements_txt_pins():
    owners = metadata.packages_distributions()
    absent = [
        module
        for module, names in owners.items()
        if not any(normal(name) in pinned() for name in names)
    ]
    assert "pytest" in absent
    done = subprocess.run(
        [sys.executable, "-c", START, *absent],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
