"""`bin/environment.py`: .venv is made, kept, mended, or refused with the way out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(__file__).resolve().parent.parent / "bin"
SCRIPT = """#!/usr/bin/env python3
import sys
import environment
environment.ensure("requirements.txt")
print("runs in", sys.prefix)
"""


# Python's own `venv`, but with a pip that does nothing, as copying the real one takes long.
QUICK_VENV = """
import importlib.util, pathlib, sys, sysconfig
source = sysconfig.get_path("stdlib") + "/venv/__init__.py"
spec = importlib.util.spec_from_file_location("real_venv", source)
venv = importlib.util.module_from_spec(spec)
spec.loader.exec_module(venv)
venv.create(sys.argv[1], symlinks=True)
(site,) = pathlib.Path(sys.argv[1]).glob("lib/python*/site-packages")
(site / "pip").mkdir()
for name in ("__init__.py", "__main__.py"):
    (site / "pip" / name).touch()
"""


@pytest.fixture
def checkout(tmp_path):
    """A project of one script that needs no package."""
    (tmp_path / "bin").mkdir()
    shutil.copy(BIN / "environment.py", tmp_path / "bin")
    (tmp_path / "bin" / "script").write_text(SCRIPT)
    (tmp_path / "requirements.txt").write_text("")
    return tmp_path


def run(checkout, python=sys.executable, **environ):
    """The script's exit status and all it said."""
    inherited = {k: v for k, v in os.environ.items() if k != "PORTAL_IN_VENV"}
    done = subprocess.run(
        [python, checkout / "bin" / "script"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=inherited | environ,
        check=False,
    )
    return done.returncode, done.stdout


def with_venv(checkout, source):
    """The variable that puts a module of this source before Python's own `venv`."""
    folder = checkout / "modules"
    folder.mkdir()
    (folder / "venv.py").write_text(source)
    return {"PYTHONPATH": str(folder)}


def test_it_is_made_once_and_again_when_it_is_broken(checkout):
    inside = f"runs in {checkout / '.venv'}"
    quick = with_venv(checkout, QUICK_VENV)
    status, said = run(checkout, **quick)
    assert (status, inside in said, "Making" in said) == (0, True, True), said
    assert run(checkout, **quick) == (0, inside + "\n")

    # Broken, and active: the Python that starts the script is the one to be thrown away.
    (pip,) = (checkout / ".venv").glob("lib/python*/site-packages/pip")
    shutil.rmtree(pip)
    status, said = run(checkout, checkout / ".venv" / "bin" / "python", **quick)
    assert (status, inside in said, "Making" in said) == (0, True, True), said


def test_where_python_cannot_make_one_it_says_what_to_install(checkout):
    fails = with_venv(checkout, 'import sys; sys.exit("ensurepip is not available")')
    status, said = run(checkout, **fails)
    assert status == 1
    assert "ensurepip is not available" in said
    assert "apt install python3-venv" in said
    assert "Traceback" not in said
    assert not (checkout / ".venv").exists()


def test_an_old_python_says_which_one_is_needed(checkout):
    script = checkout / "bin" / "script"
    script.write_text(
        SCRIPT.replace("environment.e", "environment.OLDEST = (3, 99)\nenvironment.e")
    )
    status, said = run(checkout)
    assert status == 1
    assert said.startswith("Python 3.11 or newer is needed; this is 3.")
    assert "Traceback" not in said
