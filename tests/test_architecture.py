"""
Hold what no contract of setup.cfg can say of the architecture.

The floors are contracts of import-linter, checked by `make lint`. Here stand the order inside each
folder, which its `__init__` draws, and rules about single names.
"""

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp

from tests.tables import each, none_of

PACKAGE = Path(__file__).parent.parent / "wx_static_store"
FOLDERS = sorted(
    ".".join(path.parent.relative_to(PACKAGE).parts)
    for path in PACKAGE.glob("*/**/__init__.py")
    if path.parent.name != "migrations"
)
EMULATOR = "emulator"

# Names that only these modules import: those of the standard library and parts of Django.
ONLY_IN = {
    "django.conf": {
        "conf.settings",
        "models.columns",
        "models.uploads",
        "models.waiting",
        "models.deployments",
        "rollouts.models",
    },
    "django.core.cache": {
        "core.notes",
        "conf.cache_checks",  # the classes that Django brings
        "health.doctor.cache",  # asks whether the cache itself works
    },
    "threading": {"upload.workers", "clients.component", "core.interrupts"},
    "concurrent.futures.ThreadPoolExecutor": {"upload.workers"},
}
STARTS_NO_THREAD = {
    *("threading.get_ident", "threading.current_thread", "threading.main_thread"),
    *("threading.Event", "threading.Lock", "threading.TIMEOUT_MAX"),
}
LONGEST = 400  # lines of a module
APPS = ("rollouts", "health", "callback")
GROUND = "causes"  # all that can fail stands on it, as on `exceptions`
MOST_ARROWS = 105  # of the core


@cache
def graph() -> grimp.ImportGraph:
    """Return who imports what when the package runs; imports for types alone do not count."""
    return grimp.build_graph(PACKAGE.name, exclude_type_checking_imports=True, cache_dir=None)


def modules() -> dict[str, Path]:
    """Return each module's path by its dotted name; the package's own name is left out."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if "migrations" not in parts:
            names[".".join(part for part in parts if part != "__init__")] = path
    return names


@cache
def imported_names(path: Path) -> list[str]:
    """Return the dotted names that a module imports from outside of the package."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found += (f"{node.module}.{name.name}" for name in node.names)
    return found


def drawing(folder: str) -> list[str]:
    """Return what the docstring of a folder's `__init__` draws, from the top."""
    text = PACKAGE.joinpath(*folder.split("."), "__init__.py").read_text().split('"""')[1]
    return [line.split()[0] for line in text.splitlines() if line.startswith("    ")]


def group(module: str) -> str:
    top = module.split(".")[0]
    return "apps" if top in APPS else EMULATOR if top == EMULATOR else "core"


def folder_of(module: str) -> str:
    return module if module in FOLDERS else module.rpartition(".")[0]


def arrows(*groups: str) -> dict[tuple[str, str], list[str]]:
    """
    Return the imports between each two folders: all of them are one arrow.

    A folder in a folder counts apart. Modules of the root are entries, or ground: none counts, and
    neither does the ground's own folder.
    """
    found: dict[tuple[str, str], list[str]] = {}
    names = {f"{PACKAGE.name}.{name}": name for name in modules() if group(name) in groups}
    for importer in names.keys() & graph().modules:
        for imported in graph().find_modules_directly_imported_by(importer) & names.keys():
            pair = folder_of(names[importer]), folder_of(names[imported])
            if all(pair) and pair[0] != pair[1] and GROUND not in pair:
                found.setdefault(pair, []).append(f"{names[importer]} → {names[imported]}")
    return found


@each("folder", FOLDERS)
def test_a_folder_draws_all_its_modules(folder: str) -> None:
    names = (name.removeprefix(f"{folder}.") for name in modules() if name.startswith(f"{folder}."))
    inside, drawn = {name.split(".")[0] for name in names}, drawing(folder)
    where = f"the docstring of {PACKAGE.name}/{folder.replace('.', '/')}/__init__.py"
    wrong = [f"Draw {name} in {where}, above what it imports." for name in inside - {*drawn}]
    wrong += [f"Take {name} out of {where}." for name in {*drawn} - inside]
    none_of(wrong)
    assert len(drawn) == len(inside), f"A module stands twice in {where}."


@each("folder", [folder for folder in FOLDERS if drawing(folder)])
def test_the_modules_of_a_folder_import_downwards(folder: str) -> None:
    container = {f"{PACKAGE.name}.{folder}"}
    illegal = graph().find_illegal_dependencies_for_layers(drawing(folder), containers=container)
    assert {f"{found.importer} → {found.imported}" for found in illegal} == set()


def single_imports() -> list[str]:
    """Return the arrows of the core that one import makes: they are the cheapest to cut."""
    return sorted(imports[0] for imports in arrows("core").values() if len(imports) == 1)


def test_the_folders_of_the_core_have_few_arrows() -> None:
    found, cheapest = len(arrows("core")), "\n".join(single_imports())
    if found > MOST_ARROWS:
        none_of([f"{found} arrows, {MOST_ARROWS} at most: cut one of one import:\n{cheapest}"])


@each("name", ONLY_IN)
def test_a_name_is_imported_only_where_it_belongs(name: str) -> None:
    using = {
        module
        for module, path in modules().items()
        if not module.startswith(EMULATOR)
        for imported in imported_names(path)
        if f"{imported}.".startswith(f"{name}.") and imported not in STARTS_NO_THREAD
    }
    assert using <= ONLY_IN[name]


def test_one_module_asks_what_a_user_may_do() -> None:
    asking = {module for module, path in modules().items() if ".has_perm" in path.read_text()}
    assert asking == {"submit.access"}, "Call may() of submit/access instead of user.has_perm()."


def test_the_object_at_a_key_is_asked_for_in_presence_only() -> None:
    """Elsewhere the list would be believed alone, and a list may be late."""
    calls = {
        (module, ast.unparse(node.func))
        for module, path in modules().items()
        if not module.startswith(EMULATOR)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".find")
    }
    # The finders are those of Django's static files.
    assert calls == {("upload.presence", "store.find"), ("log.source_of", "finders.find")}


def test_the_emulator_needs_the_standard_library_only() -> None:
    """The ticket sender is the exception: it encrypts."""
    used = {
        (imported.split(".")[0], module)
        for module, path in modules().items()
        if module.startswith(EMULATOR)
        for imported in imported_names(path)
    }
    others = {use for use in used if use[0] not in sys.stdlib_module_names}
    assert others == {("cryptography", "emulator.tickets")}


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    lengths = {module: len(path.read_text().splitlines()) for module, path in modules().items()}
    assert {module: n for module, n in lengths.items() if n > LONGEST} == {}


def test_the_http_library_is_imported_with_the_first_call_only() -> None:
    code = "import sys, wx_static_store.storage; sys.exit('requests' in sys.modules)"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=PACKAGE.parent)


def test_core_clients_and_emulator_need_no_settings() -> None:
    apart = [m for m in modules() if m.split(".")[0] in {"core", "clients", EMULATOR}]
    code = "; ".join(f"import wx_static_store.{module}" for module in apart)
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=PACKAGE.parent)


# The tests of a module stand in the module that mirrors it, except of these.
TESTED_ELSEWHERE = {
    "callback.apps": "tests/callback/test_checks.py",
    "callback.urls": "tests/callback/test_views.py",
    "rollouts.apps": "tests/test_apps.py",
    "rollouts.api.urls": "tests/api/test_urls.py",
    "health.apps": "tests/test_apps.py",
    "health.api.urls": "tests/api/test_urls.py",
    "submit.download": "tests/test_urls.py",
    "emulator.__main__": "tests/emulator/test_main.py",
    "management.exits": "tests/management/test_modes.py",
}


def mirror(module: str) -> str:
    """Return the path of the test module of a module; commands have no folder of their own."""
    *folders, name = module.replace("management.commands.", "management.").split(".")
    return "/".join(["tests", *folders, f"test_{name}.py"])


def test_every_module_has_its_test_module() -> None:
    named = (module for module, path in modules().items() if path.name != "__init__.py")
    missing = {module for module in named if not (PACKAGE.parent / mirror(module)).exists()}
    sentences = [
        f"{module} has no test module: write {mirror(module)}, or name where it is tested in "
        "TESTED_ELSEWHERE of tests/test_architecture.py."
        for module in sorted(missing - {*TESTED_ELSEWHERE})
    ]
    none_of(sentences)


@each("module", TESTED_ELSEWHERE)
def test_a_module_that_is_tested_elsewhere_has_no_test_module_of_its_own(module: str) -> None:
    assert module in modules()
    assert not (PACKAGE.parent / mirror(module)).exists()
    assert (PACKAGE.parent / TESTED_ELSEWHERE[module]).exists()
