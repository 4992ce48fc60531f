"""The import table of the design, held against the code."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "wx_static_store"

# From the top: a room imports from floors below its own.
FLOORS = (
    {
        *("storage", "staticfiles", "admin", "api", "callback", "management", "checks", "testing"),
        *("cache_checks", "forms"),
    },
    {"sites", "preflight", "upkeep", "policy", "again", "compare", "hints"},
    {"summary"},
    {"deploy"},
    {"plan", "verify", "progress", "locks", "tree", "reopen"},
    {"standing"},
    {"uploader"},
    {"recorders", "transfer", "listing"},
    {"database"},
    {"models"},
    {"store", "platforms", "claims"},
    {"sealing"},
    {"conf", "options", "values", "naming", "hashed", "sources", "retry", "pool", "qr"},
    {"clients"},
    {"exceptions", "transfers", "secrets", "texts", "interrupts", "telemetry", "frames"},
)
# The arrows that the design draws within a floor.
ARROWS = {
    ("admin.columns", "admin.words"),
    ("admin.filters", "admin.words"),
    ("admin.upload", "admin.submissions"),
    *(
        ("api.base", f"api.{name}")
        for name in ("body", "guard", "parameters", "problems", "schema")
    ),
    ("api.body", "api.conditions"),
    ("api.body", "api.problems"),
    ("api.conditions", "api.problems"),
    ("api.idempotency", "api.problems"),
    *(("api.operations", f"api.{name}") for name in ("parameters", "serializers")),
    ("api.parameters", "api.serializers"),
    ("api.serializers", "api.problems"),
    *(
        ("api.schema", f"api.{name}")
        for name in ("operations", "parameters", "problems", "serializers")
    ),
    *(
        ("api.sending", f"api.{name}")
        for name in ("conditions", "idempotency", "problems", "serializers")
    ),
    ("api.urls", "api.views"),
    *(
        ("api.views", f"api.{name}")
        for name in (
            "base",
            "body",
            "conditions",
            "idempotency",
            "log",
            "paging",
            "parameters",
            "problems",
            "sending",
            "serializers",
        )
    ),
    ("admin.upload", "admin.base"),
    ("admin.upload", "admin.places"),
    ("admin.upload", "admin.upload_form"),
    ("admin.upload", "admin.upload_preview"),
    ("admin.upload_preview", "admin.upload_form"),
    ("admin.uploads", "admin.upload"),
    ("admin.actions", "admin.base"),
    ("admin.actions", "admin.export"),
    ("admin.base", "admin.paging"),
    ("admin.columns", "admin.places"),
    ("admin.filters", "admin.places"),
    *(("admin.deployments", f"admin.{name}") for name in ("columns", "filters", "places")),
    *(("admin.uploads", f"admin.{name}") for name in ("actions", "columns", "filters", "places")),
    ("forms", "storage"),
    ("again", "policy.rules"),
    ("exceptions", "texts"),
    ("interrupts", "texts"),
    ("policy", "policy.rules"),
    ("options", "values"),
    ("values", "sources"),
    ("admin", "admin.deployments"),
    ("admin", "admin.uploads"),
    ("admin.deployments", "admin.base"),
    ("admin.uploads", "admin.base"),
    ("callback.apps", "callback.checks"),
    ("callback.checks", "callback.views"),
    ("callback.apps", "callback.views"),
    ("callback.apps", "callback.tickets"),
    ("callback.urls", "callback.views"),
    ("callback.views", "callback.crypto"),
    ("callback.views", "callback.safe_xml"),
    ("callback.views", "callback.signals"),
    ("callback.views", "callback.tickets"),
    ("callback.views", "callback.refusals"),
    ("callback.crypto", "callback.refusals"),
    ("callback.safe_xml", "callback.refusals"),
    ("callback.tickets", "callback.crypto"),
    ("callback.tickets", "callback.models"),
    ("management.commands.wx_deploy", "management.deploy_line"),
    ("management.commands.wx_deploy", "management.exits"),
    ("management.commands.wx_import_log", "management.exits"),
    ("management.commands.wx_prune", "management.exits"),
    ("management.deploy_line", "management.exits"),
    ("management.upkeep", "management.exits"),
    ("management.commands.wx_import_log", "management.upkeep"),
    ("management.commands.wx_prune", "management.upkeep"),
    ("management.commands.wx_reconcile", "management.upkeep"),
    ("upkeep.imports", "upkeep"),
    ("upkeep.prune", "upkeep"),
    ("upkeep.reconcile", "upkeep"),
    ("store", "platforms"),
    ("clients.component", "clients.shared"),
    ("clients.component", "clients.tokens"),
    ("clients.component", "clients.wechat"),
    ("clients.wechat", "clients.transport"),
    ("clients.cos", "clients.transport"),
    ("clients.site", "clients.transport"),
    ("clients.transport", "clients.links"),
    ("clients.transport", "clients.connection"),
    ("clients.transport", "clients.pools"),
    ("clients.pools", "clients.connection"),
    ("clients.pools", "clients.links"),
    ("conf", "options"),
}
APART = {"emulator"}
USES_EMULATOR = {"testing"}  # whose fixtures start it
UNDRAWN = {"", "apps", "migrations"}

ONLY_IN = {
    "requests": {"clients.pools"},
    "urllib3": {"clients.transport", "clients.pools", "clients.links"},
    "django.conf": {"conf", "models"},
    "threading": {"claims", "pool", "interrupts", "clients.component"},
    "concurrent": {"pool", "uploader", "listing", "standing", "sites"},
}
LONGEST = 300


def modules(package: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


def imports(module: str, path: Path) -> Iterator[str]:
    """Dotted names of what a module imports when it runs; ours come without the package's name."""
    tree = ast.parse(path.read_text())
    for_types = {id(node) for outer in ast.walk(tree) for node in type_checking_only(outer)}
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], *filter(None, [node.module])]
            yield from (".".join(["wx_static_store", *base, name.name]) for name in node.names)


def type_checking_only(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
        yield from (inner for statement in node.body for inner in ast.walk(statement))


def room(module: str) -> str:
    return module.split(".")[0]


def known_module(name: str, names: set[str]) -> str:
    """The longest part of an imported name that is a module: the rest is something in it."""
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name


def violations(package: Path) -> list[str]:
    """Each import that the table does not allow, as «importer → imported»."""
    names = {module for module, _path in modules(package)}
    found = []
    for module, path in modules(package):
        for imported in imports(module, path):
            if imported.startswith("wx_static_store"):
                target = known_module(imported.removeprefix("wx_static_store").lstrip("."), names)
                allowed = may_import(module, target)
            else:
                target = imported
                allowed = may_use(module, imported)
            if not allowed:
                found.append(f"{module} → {target}")
    return found


def may_import(module: str, target: str) -> bool:
    if UNDRAWN & {room(module), room(target)} or module == target:
        return True
    if APART & {room(module), room(target)}:
        return room(module) == room(target) or room(module) in USES_EMULATOR
    above, below = floor(module), floor(target)
    return above < below or (module, target) in ARROWS


def may_use(module: str, imported: str) -> bool:
    if room(module) in APART | UNDRAWN:
        return True
    rules = [rooms for name, rooms in ONLY_IN.items() if f"{imported}.".startswith(f"{name}.")]
    return all(module in rooms for rooms in rules)


def floor(module: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room(module) in rooms)


def test_every_import_is_drawn_in_the_design() -> None:
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("module", "line", "told"),
    [
        ("clients/cos.py", "from ..retry import run", "clients.cos → retry"),
        ("clients/cos.py", "from .wechat import WeChatClient", "clients.cos → clients.wechat"),
        ("clients/wechat.py", "import requests", "clients.wechat → requests"),
        ("naming.py", "from django.conf import settings", "naming → django.conf.settings"),
        ("sources.py", "import threading", "sources → threading"),
        ("store.py", "from .uploader import Uploader", "store → uploader"),
        ("storage.py", "from .emulator import EmulatorServer", "storage → emulator"),
        ("emulator/state.py", "from ..secrets import Secret", "emulator.state → secrets"),
    ],
)
def test_a_forbidden_import_is_told(module: str, line: str, told: str, tmp_path: Path) -> None:
    """One forbidden line, added to a copy of the package."""
    for name, path in modules(PACKAGE):
        copy = tmp_path / path.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        added = f"\n{line}\n" if path == PACKAGE / module else ""
        copy.write_text(path.read_text() + added)
        assert name is not None
    assert violations(tmp_path) == [told]


def test_every_room_stands_on_a_floor() -> None:
    drawn = set().union(*FLOORS) | APART | UNDRAWN
    assert {room(module) for module, _path in modules(PACKAGE)} <= drawn


def test_the_emulator_needs_the_standard_library_only() -> None:
    """But for the ticket sender, which encrypts."""
    used = {
        (imported.split(".")[0], module)
        for module, path in modules(PACKAGE / "emulator")
        for imported in imports(f"emulator.{module}" if module else "emulator", path)
    }
    others = {use for use in used if use[0] not in {"wx_static_store", *sys.stdlib_module_names}}
    assert others == {("cryptography", "tickets")}


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    lengths = {module: len(path.read_text().splitlines()) for module, path in modules(PACKAGE)}
    assert {module: n for module, n in lengths.items() if n > LONGEST} == {}


def test_the_http_library_is_imported_with_the_first_call_only() -> None:
    code = "import sys, wx_static_store.storage; sys.exit('requests' in sys.modules)"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=PACKAGE.parent)


def test_the_import_graph_has_no_circle() -> None:
    from graphlib import TopologicalSorter

    names = {module for module, _path in modules(PACKAGE)}
    graph = {
        module: {
            known_module(name.removeprefix("wx_static_store").lstrip("."), names)
            for name in imports(module, path)
            if name.startswith("wx_static_store")
        }
        - {module, ""}
        for module, path in modules(PACKAGE)
    }
    assert list(TopologicalSorter(graph).static_order())
