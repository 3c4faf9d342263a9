"""A virtual environment in .venv with the pinned requirements, made or brought up to date.

Run by whatever Python 3 there is, before anything is installed: the standard library alone, and
no syntax that an old Python could not read, so that it can say what is missing.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
OLDEST = (3, 11)


def ensure(requirements):
    """Runs the calling script again inside .venv, having `requirements` installed there."""
    if os.environ.get("PORTAL_IN_VENV") == VENV and sys.prefix != sys.base_prefix:
        return
    python = _new_enough()
    if not _works(PYTHON):
        _make(python)
    _install(requirements)
    os.environ["PORTAL_IN_VENV"] = VENV
    os.environ["PATH"] = os.path.join(VENV, "bin") + os.pathsep + os.environ.get("PATH", "")
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(PYTHON, [PYTHON] + sys.argv)


def _new_enough():
    """A Python that can make .venv; it is never the one of .venv, which may be thrown away."""
    if sys.version_info >= OLDEST:
        return getattr(sys, "_base_executable", None) or sys.executable
    for minor in range(20, OLDEST[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)
        # Version managers put names on the path that start nothing.
        if found and _answers(found, "import venv"):
            return found
    sys.exit(
        "Python 3.11 or newer is needed; this is %s.\n"
        "Debian and Ubuntu: apt install python3 python3-venv. macOS: brew install python."
        % sys.version.split()[0]
    )


def _works(python):
    """Does the environment answer, pip included, and is its Python new enough?"""
    return _answers(python, "import sys, pip; sys.exit(sys.version_info < (3, 11))")


def _answers(python, code):
    """Does this Python exist, and run the code without complaint?"""
    try:
        return subprocess.call([python, "-c", code], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def _make(python):
    print("Making the virtual environment in .venv ...", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run(
        [python, "-m", "venv", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if made.returncode != 0 or not _works(PYTHON):
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(
            made.stdout.decode(errors="replace")
            + "\n`%s -m venv` does not work here, so .venv could not be made.\n"
            "Debian and Ubuntu keep it in a package of its own: apt install python3-venv" % python
        )


def _install(requirements):
    """Installs once; again only when the file, or one it includes, has changed."""
    digest = hashlib.sha256()
    for name in {requirements, "requirements.txt"}:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    stamp = os.path.join(VENV, "installed-" + requirements)
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == digest.hexdigest():
                return
    print("Installing %s (the first time takes a minute) ..." % requirements, flush=True)
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.call(command + ["-r", os.path.join(ROOT, requirements)])
    if done != 0:
        sys.exit("The packages in %s could not be installed; pip's words are above." % requirements)
    with open(stamp, "w") as file:
        file.write(digest.hexdigest())
