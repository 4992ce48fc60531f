"""Compare the public names with docs/reference/python.rst; signatures change only with it."""

import inspect
import pkgutil
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import wx_static_store
from tests.tables import each
from wx_static_store.clients.component import ComponentToken
from wx_static_store.clients.tokens import CallableToken, TokenProvider
from wx_static_store.conf.check_table import CHECKS
from wx_static_store.core import types
from wx_static_store.core.types import UploadContext, UploadItem, UploadResult, UploadStatus
from wx_static_store.upload.uploader import Uploader, get_uploader

ROOT = Path(__file__).parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in [*ROOT.glob("*.rst"), *ROOT.glob("docs/**/*.rst"), *ROOT.glob("*/README.rst")]
    if path.name != "CHANGELOG.rst"  # names what was
}
_HEADING = re.compile(r"^(wx_static_store(?:\.\w+)+)\n-+$", re.MULTILINE)
_, *_PARTS = _HEADING.split(PAGES["docs/reference/python.rst"])
REFERENCE = {
    module: sorted(
        re.findall(r"^``(\w+)``$", text, re.MULTILINE)
        + re.findall(r"``(\w+)``", "".join(re.findall(r"Names: (.*?)\.$", text, re.M | re.S)))
    )
    for module, text in zip(_PARTS[::2], _PARTS[1::2], strict=True)
}
# Django looks for these, or they hold nothing that others import.
NO_FACE = {"apps", "checks", "i18n", "migrations", "models", "templatetags"}
# Only other modules of the package import from these.
NO_FACE |= {"causes", "conf", "core", "log", "management", "releases", "submit"}
MODULES = {
    f"wx_static_store.{module.name}"
    for module in pkgutil.iter_modules(wx_static_store.__path__)
    if module.name not in NO_FACE
}
# Of the opt-in apps, the modules that list names.
MODULES |= {
    f"wx_static_store.{app}.{path.parent.name if path.name == '__init__.py' else path.stem}"
    for app in ("health", "rollouts")
    for path in (ROOT / "wx_static_store" / app).rglob("*.py")
    if re.search(r"^__all__ = \[", path.read_text("utf-8"), re.MULTILINE)
}
# A module of ours that needs the package of an extra.
NEEDS = {
    "wx_static_store.health.check": "health_check",
    "wx_static_store.health.tasks": "celery",
    "wx_static_store.rollouts.tasks": "celery",
    "wx_static_store.tasks": "celery",
}
LOGGERS = {
    f"wx_static_store.{name}"
    for path in (ROOT / "wx_static_store").rglob("*.py")
    for name in re.findall(r'getLogger\("wx_static_store\.(\w+)"', path.read_text("utf-8"))
}


def test_the_reference_names_every_module_with_public_names() -> None:
    assert {*REFERENCE} == MODULES


@each("module", sorted(MODULES & {*REFERENCE}))
def test_the_reference_names_what_all_lists(module: str) -> None:
    loaded = pytest.importorskip(module, reason=f"{module} needs a package of its extra")
    listed = getattr(loaded, "__all__", [])
    assert sorted(listed) == REFERENCE[module]
    assert [name for name in listed if not hasattr(loaded, name)] == []


def test_the_reference_names_every_logger() -> None:
    section = PAGES["docs/reference/python.rst"].split("\nLoggers\n")[1]
    assert {*re.findall(r"^``(wx_static_store\.\w+)``$", section, re.MULTILINE)} == LOGGERS


@each("page", PAGES)
def test_every_dotted_name_of_a_page_exists(page: str) -> None:
    names = set(re.findall(r"(?<![\w./])wx_static_store(?:\.[a-zA-Z_]\w*)+", PAGES[page]))
    checks = {f"wx_static_store.{id}" for id in CHECKS}
    assert sorted(name for name in names - LOGGERS - checks if not exists(name)) == []


def exists(name: str) -> bool:
    """Say whether a module, or something in a module, has this dotted name."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return any(name.startswith(ours) and not find_spec(of) for ours, of in NEEDS.items())
    return True


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (UploadItem, ["name", "open", "size", "content_type", "md5", "hashed", "close"]),
        (UploadContext, ["source", "source_ref", "user_id", "deployment_id"]),
        (
            UploadResult,
            ["name", "key", "status", "size", "md5", "attempts", "seconds", "stage", "error",
             "rid", "request_id"],
        ),
    ],
)  # fmt: skip
def test_values_that_travel_are_frozen_and_have_their_fields(value: Any, fields: list[str]) -> None:
    assert issubclass(value, tuple) or value.__dataclass_params__.frozen
    assert {*fields} <= {*value.__match_args__}


def test_upload_statuses_are_texts() -> None:
    assert [*UploadStatus] == ["stored", "failed", "unknown", "waiting"]


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (get_uploader, ["using", "env"]),
        (Uploader.transfer, ["self", "item"]),
        (Uploader.upload, ["self", "item", "context"]),
        (Uploader.upload_many, ["self", "items", "context"]),
    ],
)
def test_the_uploader_s_functions_keep_their_parameters(
    function: Any, parameters: list[str]
) -> None:
    positional = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    assert positional == parameters


@pytest.mark.parametrize("provider", [CallableToken, ComponentToken])
def test_our_providers_keep_the_protocol(provider: type) -> None:
    assert issubclass(provider, TokenProvider)


def test_the_marker_is_what_the_documents_say() -> None:
    assert types.DELETED == b"this file was deleted\n"
