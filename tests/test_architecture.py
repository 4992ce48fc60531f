"""The folders are the layers: a module's place alone says what it may import."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.tables import each

PACKAGE = Path(__file__).parent.parent / "wx_static_store"
FOLDERS = sorted(
    ".".join(path.parent.relative_to(PACKAGE).parts)
    for path in PACKAGE.glob("*/**/__init__.py")
    if path.parent.name != "migrations"
)

# From the top. A module imports from lines below its own; inside a folder downwards, in the order
# that the docstring of its `__init__` draws, and so on in a folder of that folder.
LAYERS = """
    apps
    templatetags
    admin api callback management tasks forms health staticfiles testing
    checks environments storage
    alerts
    doctor fleet
    submit deploy
    log
    upload
    models
    conf
    clients
    core
    exceptions
    signals i18n
"""
APART = "emulator"  # imports nothing of the package; only the fixtures of `testing` import it

ONLY_IN = {
    "requests": {"clients.pools"},
    "urllib3": {"clients.transport", "clients.pools", "clients.links"},
    "django.conf": {
        "conf.settings",
        "models.uploads",
        "models.deployments",
        "models.dismissals",
        "models.rollouts",
    },
    "threading": {"upload.workers", "clients.component", "core.interrupts"},
    "concurrent.futures.ThreadPoolExecutor": {"upload.workers"},
}
STARTS_NO_THREAD = {"threading.get_ident", "threading.current_thread", "threading.main_thread"}
LONGEST = 400  # lines of a module


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """Return each module's path by its dotted name; the package's own name is left out."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if "migrations" not in parts:
            names[".".join(part for part in parts if part != "__init__")] = path
    return names


def imports(module: str, path: Path) -> Iterator[str]:
    """Yield what a module imports when it runs, as dotted names; ours begin with a dot."""
    for name in _imported(module, path):
        inside = name.removeprefix(PACKAGE.name)
        yield inside if inside.startswith(".") else name


def _imported(module: str, path: Path) -> Iterator[str]:
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in import_statements(path.read_text()):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        else:
            base = [*filter(None, package)][: max(0, len(package) - node.level + 1)]
            prefix = ["", *base] if node.level else []
            parts = [*prefix, *filter(None, [node.module])]
            yield from (".".join([*parts, name.name]) for name in node.names)


@cache
def import_statements(source: str) -> list[ast.Import | ast.ImportFrom]:
    """Return the statements that import when the source runs."""
    tree = ast.parse(source)
    for_types = {id(node) for outer in ast.walk(tree) for node in type_checking_only(outer)}
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return [node for node in found if id(node) not in for_types]


def type_checking_only(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
        yield from (inner for statement in node.body for inner in ast.walk(statement))


def known_module(name: str, names: dict[str, Path]) -> str:
    """Return the longest part of an imported name that is a module: the rest is something in it."""
    name = name.removeprefix(".")
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name


def drawing(folder: str, package: Path = PACKAGE) -> list[str]:
    """Return what the docstring of a folder's `__init__` draws, from the top."""
    text = package.joinpath(*folder.split("."), "__init__.py").read_text().split('"""')[1]
    return [line.split()[0] for line in text.splitlines() if line.startswith("    ")]


def height(folder: str) -> int:
    lines = [line.split() for line in LAYERS.split("\n")]
    return -next(number for number, line in enumerate(lines) if folder in line)


def may_import(module: str, target: str, package: Path) -> bool:
    folder, below = module.split(".")[0], target.split(".")[0]
    if not target or module in {"", target}:
        return True  # the version number
    if APART in {folder, below}:
        return folder == below or module == "testing"
    if folder != below:
        return height(folder) > height(below)
    if target.startswith(f"{module}."):
        return True  # an `__init__`, of what is in its folder
    parts, others = [*module.split("."), ""], [*target.split("."), ""]
    depth = [one == other for one, other in zip(parts, others, strict=False)].index(False)
    order = drawing(".".join(parts[:depth]), package)
    first, second = parts[depth], others[depth]
    return second in order and order.index(first) < order.index(second)


def may_use(module: str, imported: str) -> bool:
    if module.startswith(APART) or imported in STARTS_NO_THREAD:
        return True
    rules = [only for name, only in ONLY_IN.items() if f"{imported}.".startswith(f"{name}.")]
    return all(module in only for only in rules)


def violations(package: Path) -> list[str]:
    """Return each import that the layers do not allow, as «importer → imported»."""
    names = modules(package)
    found = []
    for module, path in names.items():
        for imported in imports(module, path):
            ours = imported.startswith(".")
            target = known_module(imported, names) if ours else imported
            allowed = may_import(module, target, package) if ours else may_use(module, imported)
            if not allowed:
                found.append(f"{module} → {target}")
    return found


def test_every_import_goes_down() -> None:
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("line", "reported"),
    [
        ("from ..conf import Options", "clients.cos → conf"),
        ("from .wechat import WeChatClient", "clients.transport → clients.wechat"),
        ("import requests", "clients.wechat → requests"),
        ("from wx_static_store import admin", "core.naming → admin"),
        ("from django.conf import settings", "core.naming → django.conf.settings"),
        ("import threading", "upload.sources → threading"),
        ("from .uploader import Uploader", "upload.store → upload.uploader"),
        ("from ..deploy import plan", "submit.policy → deploy.plan"),
        ("from ..cloud import page", "admin.upload.form → admin.cloud.page"),
        ("from .emulator import EmulatorServer", "storage → emulator"),
        ("from ..core.secrets import Secret", "emulator.state → core.secrets"),
    ],
)
def test_a_forbidden_import_is_reported(line: str, reported: str, tmp_path: Path) -> None:
    """A copy of the package gets one forbidden line."""
    for module, path in modules().items():
        copy = tmp_path / path.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        added = f"\n{line}\n" if module == reported.split()[0] else ""
        copy.write_text(path.read_text() + added)
    assert violations(tmp_path) == [reported]


@each("folder", FOLDERS)
def test_a_folder_draws_all_its_modules(folder: str) -> None:
    names = (name.removeprefix(f"{folder}.") for name in modules() if name.startswith(f"{folder}."))
    inside = {name.split(".")[0] for name in names}
    assert sorted(drawing(folder)) == sorted(inside)


def test_the_emulator_needs_the_standard_library_only() -> None:
    """The ticket sender is the exception: it encrypts."""
    used = {
        (imported.split(".")[0], module)
        for module, path in modules().items()
        if module.startswith(APART)
        for imported in imports(module, path)
    }
    others = {use for use in used if use[0] not in {"", *sys.stdlib_module_names}}
    assert others == {("cryptography", "emulator.tickets")}


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    lengths = {module: len(path.read_text().splitlines()) for module, path in modules().items()}
    assert {module: n for module, n in lengths.items() if n > LONGEST} == {}


def test_the_http_library_is_imported_with_the_first_call_only() -> None:
    code = "import sys, wx_static_store.storage; sys.exit('requests' in sys.modules)"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=PACKAGE.parent)


def test_core_clients_and_emulator_need_no_settings() -> None:
    apart = [m for m in modules() if m.split(".")[0] in {"core", "clients", APART}]
    code = "; ".join(f"import wx_static_store.{module}" for module in apart)
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=PACKAGE.parent)


# The tests of a module stand in the module that mirrors it, except of these.
TESTED_ELSEWHERE = {
    "apps": "Django reads it: without it no test runs",
    "checks": "tests/conf/test_checks.py",
    "callback.apps": "tests/callback/test_checks.py",
    "callback.urls": "tests/callback/test_views.py",
    "emulator.__main__": "tests/emulator/test_main.py",
    "management.exits": "the tests of each command",
}


def test_every_module_has_its_test_module() -> None:
    tests = Path(__file__).parent
    missing = set()
    for module, path in modules().items():
        *folders, name = module.replace("management.commands.", "management.").split(".")
        if path.name != "__init__.py" and not tests.joinpath(*folders, f"test_{name}.py").exists():
            missing.add(module)
    assert missing == {*TESTED_ELSEWHERE}
