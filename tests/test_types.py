"""The public names have types for every checker, and a project that uses them passes two."""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tests.conftest import ci_package, slow
from tests.test_reference import REFERENCE
from wx_static_store import exceptions
from wx_static_store.exceptions import WxStaticStoreError

ROOT = Path(__file__).parent.parent
CONSUMER = ROOT / "tests" / "consumer"
KNOWN = 0.95  # of the declared API
# Of these symbols a checker without Django's plugin knows no type: columns of models, and what a
# package without types is the base of. Each other unknown one is a mistake.
UNKNOWN = {
    "wx_static_store.admin.deployments.DeploymentAdmin.get_fieldsets",
    "wx_static_store.admin.uploads.UploadLogAdmin.get_fieldsets",
    "wx_static_store.admin.waiting.WaitingFileAdmin.get_fields",
    "wx_static_store.health.check.DoctorCheck.timeout",
    *(
        f"wx_static_store.storage.WxStorage.{name}"
        for name in ("asave", "adelete", "aexists", "asize", "aopen", "aget_modified_time")
    ),
}

pytestmark = slow


def run(*command: str, folder: Path = ROOT) -> str:
    """Run a checker in a folder, on this checkout; return what it printed."""
    # basedpyright asks the first `python` for the packages, and an editable install hides its own.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    modules = os.pathsep.join([str(ROOT), str(folder)])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": modules, "PYTHONWARNINGS": "default"}
    command = (sys.executable, "-m", *command)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    ).stdout


def declared() -> Iterator[str]:
    """Yield the names for a project of docs/reference/python.rst, where they are defined."""
    values = [(module, name) for module, names in REFERENCE.items() for name in names]
    errors = {n: v for n, v in vars(exceptions).items() if isinstance(v, type)}
    values += [
        (exceptions.__name__, n) for n, v in errors.items() if issubclass(v, WxStaticStoreError)
    ]
    for module, name in values:
        value = getattr(import_module(module), name)
        for part in inspect.getmro(value) if inspect.isclass(value) else [value]:
            defined = getattr(part, "__module__", "")
            if defined.startswith("wx_static_store."):
                yield f"{defined}.{part.__qualname__}"
            elif part is value:
                yield f"{module}.{name}"


def symbols() -> dict[str, bool]:
    """Return the symbols of the declared API, and of each whether its type is known."""
    ci_package("basedpyright")
    ci_package("health_check")
    printed = run(
        "basedpyright", "--verifytypes", "wx_static_store", "--ignoreexternal", "--outputjson"
    )
    names = {*declared()}
    return {
        symbol["name"]: symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"]
        for symbol in json.loads(printed)["typeCompleteness"]["symbols"]
        if symbol["isExported"]
        and (symbol["name"] in names or any(symbol["name"].startswith(f"{n}.") for n in names))
    }


def test_the_types_of_the_declared_api_are_known() -> None:
    known = symbols()
    unknown = {name for name, is_known in known.items() if not is_known}
    assert 1 - len(unknown) / len(known) >= KNOWN
    # A class is unknown if one of its members is.
    members = {
        name for name in unknown if not any(other.startswith(f"{name}.") for other in unknown)
    }
    assert members - {"wx_static_store.health.check.DoctorCheck"} == UNKNOWN


def test_a_project_that_uses_the_app_passes_mypy_strict() -> None:
    printed = run("mypy", "--cache-dir", os.devnull, "--config-file", "mypy.ini", folder=CONSUMER)
    assert printed.startswith("Success"), printed


def test_a_project_that_uses_the_app_passes_pyright_strict() -> None:
    ci_package("basedpyright")
    printed = run("basedpyright", folder=CONSUMER)
    assert printed.startswith("0 errors"), printed


def test_the_project_is_one_that_django_runs() -> None:
    run_check = [sys.executable, "-m", "django", "check", "--settings", "shop.settings"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(CONSUMER)])}
    subprocess.run(run_check, cwd=CONSUMER, env=environment, check=True, timeout=60)
