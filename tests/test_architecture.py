"""The shape of the code: which way imports point, and where the files of one noun live."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BILLING = sorted((ROOT / "billing").rglob("*.py"))
SANDBOX = sorted((ROOT / "sandbox").rglob("*.py"))

# What every layer may import.
COMMON = {"models", "config", "billing.money", "billing.errors", "billing.clock", "billing.dates"}
# A view without pages of its own, and why it has no templates folder.
WITHOUT_TEMPLATES = {
    "brand": "serves a stylesheet and an icon made from settings",
    "checkout_start": "redirects to Checkout",
    "default_payment_method": "redirects to the list of payment methods",
    "health": "answers machines in JSON",
    "hosted_portal": "redirects to the hosted portal and back",
    "webhooks": "answers Stripe",
}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Every module a file imports, at any depth, `from a import b` counted as a.b and a."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def ours(path: Path) -> set[str]:
    """The modules of billing/ that a file imports, packages resolved to what is named."""
    known = {name_of(other) for other in BILLING}
    return {m for m in imports_of(path) if m in known and m != "billing"}


def layer(module: str) -> str:
    for name in ("gateway", "sync", "views", "commands"):
        if within(module, f"billing.{name}"):
            return name
    return "domain"


MAY_IMPORT = {
    "gateway": {"gateway"},
    "sync": {"sync", "gateway"},
    "domain": {"domain", "sync", "gateway"},
    "views": {"views", "domain", "sync", "gateway"},
    "commands": {"commands", "domain", "sync", "gateway"},
}
# The application's own assembly wires everything together.
ASSEMBLY = {"billing", "billing.cli"}


@pytest.mark.parametrize("path", BILLING, ids=name_of)
def test_imports_point_from_views_to_domain_to_sync_to_gateway(path):
    module = name_of(path)
    if module in ASSEMBLY:
        return
    wrong = {
        other
        for other in ours(path)
        if other not in COMMON and layer(other) not in MAY_IMPORT[layer(module)]
    }
    assert not wrong, f"{module} imports {sorted(wrong)}"


def test_only_the_gateway_imports_stripe():
    importers = {
        name_of(path)
        for path in [*BILLING, ROOT / "models.py", ROOT / "config.py"]
        if any(within(module, "stripe") for module in imports_of(path))
    }
    assert importers
    assert all(within(name, "billing.gateway") for name in importers), importers


def test_the_portal_and_the_sandbox_never_import_each_other():
    for path in [*BILLING, ROOT / "models.py", ROOT / "config.py", ROOT / "wsgi.py"]:
        assert not any(within(module, "sandbox") for module in imports_of(path)), path
    for path in SANDBOX:
        for theirs in ("billing", "models", "config", "wsgi"):
            assert not any(within(module, theirs) for module in imports_of(path)), path


def test_models_import_nothing_of_ours():
    assert not {
        module
        for module in imports_of(ROOT / "models.py")
        if any(within(module, name) for name in ("billing", "config", "wsgi"))
    }


def test_nothing_in_billing_asks_which_stripe_it_talks_to():
    for path in BILLING:
        names = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
        }
        assert "uses_local_stripe" not in names, path


def test_only_config_reads_the_environment():
    for path in [*BILLING, ROOT / "models.py", ROOT / "wsgi.py"]:
        assert not imports_of(path) & {"os.environ", "os.getenv"}, path
        assert "environ" not in path.read_text().replace("environment", ""), path


VIEWS = ROOT / "billing/views"


def views() -> list[Path]:
    return [path for path in VIEWS.rglob("*.py") if path.stem != "__init__"]


def noun_of(path: Path) -> str:
    """ "invoices", or with its folder "finance/invoices"."""
    return path.relative_to(VIEWS).with_suffix("").as_posix()


@pytest.mark.parametrize("path", views(), ids=noun_of)
def test_every_view_has_its_templates_and_its_test_under_its_own_name(path):
    noun = Path(noun_of(path))
    test = ROOT / "tests" / noun.with_name(f"test_{noun.name}.py")
    assert test.exists(), test
    if noun.as_posix() not in WITHOUT_TEMPLATES:
        assert (ROOT / "billing/templates" / noun).is_dir(), f"templates/{noun}/"


def test_the_exceptions_are_still_exceptions():
    existing = {noun_of(path) for path in views()}
    for noun in WITHOUT_TEMPLATES.keys() & existing:
        assert not (ROOT / "billing/templates" / noun).exists(), noun


def test_no_file_has_lost_its_noun():
    for path in [*BILLING, *SANDBOX]:
        assert path.stem not in {"utils", "helpers", "misc", "common"}, path


DEMO = sorted((ROOT / "demo").glob("*.py"))


def test_nothing_needs_the_demos_company_which_knows_the_sandbox_by_http_alone():
    assert DEMO
    for path in [*BILLING, *SANDBOX, ROOT / "models.py", ROOT / "config.py", ROOT / "wsgi.py"]:
        assert not any(within(module, "demo") for module in imports_of(path)), path
    for path in DEMO:
        assert not any(within(module, "sandbox") for module in imports_of(path)), path
