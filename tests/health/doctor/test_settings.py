"""The settings: each system check becomes a finding."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils.translation import override

from wx_static_store.conf.check_table import CHECKS as SYSTEM_CHECKS
from wx_static_store.health.doctor.findings import Result
from wx_static_store.health.doctor.report import lines

from .conftest import Examine, marks, said

pytestmark = pytest.mark.django_db(transaction=True)

CREDENTIALS = {
    "ACCESS_TOKEN": None,
    "COMPONENT_APPSECRET": "planted-appsecret",
    "VERIFY_TICKET": lambda: "",
}
WX = "wx_static_store.storage.WxStorage"


def ids(result: Result) -> list[str]:
    found = [str(finding.data.get("id")) for finding in result.findings]
    return [id.removeprefix("wx_static_store.") for id in found]


def test_settings_that_are_right_name_the_checks_that_were_run(examined: Examine) -> None:
    result = examined()["settings.checks"]
    assert re.match(r"✓ Django.s system checks E001 to [EW]\d+ find nothing", said(result))
    assert {*result.findings[0].data["ids"]} == {*SYSTEM_CHECKS}


@pytest.mark.parametrize(
    ("mistake", "mark", "id"),
    [
        ({"ENVIRONMENTS": "no.such.function"}, "✗", "E001"),
        ({"ACCESS_TOKEN": None}, "✗", "E002"),
        ({"TOKEN_PROVIDER": "no.such.provider"}, "✗", "E018"),
        ({"CALLBACK_TOKEN": None}, "✗", "E011"),
        ({"BASE_URL": None}, "!", "W005"),
        ({"CALLBACK_TOKEN": "short"}, "!", "W013"),
    ],
    ids=str,
)
def test_a_mistake_is_a_finding_with_the_id_of_its_check(
    examined: Examine, configure: Any, mistake: dict[str, Any], mark: str, id: str
) -> None:
    configure(WX_STATIC_STORE=mistake)
    result = examined()["settings.checks"]
    assert (result.mark.value, {*ids(result)}) == (mark, {id})


def test_a_wrong_setting_is_explained_by_its_check(examined: Examine, configure: Any) -> None:
    configure(WX_STATIC_STORE={"ENVIRONMENTS": "no.such.function"})
    line, hint = lines(examined()["settings.checks"])
    assert line.endswith("ENVIRONMENTS cannot be imported (No module named 'no')")
    assert hint.endswith("dotted path of one. More: manage.py wx_explain E001")


@pytest.mark.parametrize(
    ("debug", "mark", "id"), [(True, "!", "W007"), (False, "✗", "E009")], ids=["debug", "deployed"]
)
def test_a_cache_that_is_not_shared_is_an_error_in_a_deployment_only(
    examined: Examine, configure: Any, settings: Any, *, debug: bool, mark: str, id: str
) -> None:
    settings.DEBUG = debug
    configure(WX_STATIC_STORE=CREDENTIALS)
    result = examined()["settings.checks"]
    assert (result.mark.value, ids(result)) == (mark, [id])
    assert "planted" not in said(result)


def test_a_check_that_is_silenced_is_no_finding_and_is_named(
    examined: Examine, configure: Any, settings: Any
) -> None:
    settings.SILENCED_SYSTEM_CHECKS = ["wx_static_store.W005"]
    configure(WX_STATIC_STORE={"BASE_URL": None})
    result = examined()["settings.checks"]
    assert "Silenced: W005." in said(result)
    assert result.findings[0].data["silenced"] == ["W005"]


def test_a_finding_is_in_the_language_of_whoever_reads_it(
    examined: Examine, configure: Any
) -> None:
    configure(STATIC_ROOT=None)
    result = examined()["settings.checks"]
    assert "STATIC_ROOT, which is not set" in said(result)
    with override("zh-hans"):
        assert "STATIC_ROOT，" in said(result)


# --- the stores -----------------------------------------------------------------------------------


def test_the_stores_and_their_environments_are_named(examined: Examine) -> None:
    assert said(examined()["settings.stores"]) == (
        "✓ Stores: default, staticfiles. Environments: demo-1a2b3c4d5e6f7g8h. "
    )


def test_many_environments_are_cut(examined: Examine) -> None:
    found = said(examined(envs=["env-1", "env-2", "env-3", "env-4"])["settings.stores"])
    assert "Environments: env-1, env-2, env-3 and 1 more." in found


def test_a_project_without_a_store_is_told_how_to_add_one(
    examined: Examine, configure: Any
) -> None:
    configure(STORAGES={"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}})
    found = said(examined()["settings.stores"])
    assert found.startswith("✗ STORAGES has no alias 'default' with a storage of wx_static_store")


def test_settings_that_cannot_be_read_are_one_fault(examined: Examine, configure: Any) -> None:
    configure(WX_STATIC_STORE={"MAX_WORKERS": 0})
    found = marks(examined())
    assert (found["settings.checks"], found["settings.stores"]) == ("✗", "–")
    assert [*found.values()].count("✗") == 1


def test_a_store_that_can_be_read_is_examined_beside_one_that_cannot(
    examined: Examine, configure: Any
) -> None:
    configure(
        STORAGES={
            "default": {"BACKEND": WX},
            "media": {"BACKEND": WX, "OPTIONS": {"location": "a//b"}},
        }
    )
    found = examined()
    assert "STORAGES['media']" in said(found["settings.checks"])
    assert said(found["settings.stores"]).startswith("✓ Stores: default.")


def fail() -> str:
    raise LookupError("no tenant here")


def test_a_function_that_gives_no_environment_is_named_unless_they_are_given(
    examined: Examine, configure: Any
) -> None:
    configure(WX_STATIC_STORE={"ENV": fail})
    found = said(examined()["settings.stores"])
    assert found.startswith("✗ env failed (LookupError: no tenant here)")
    assert "--env" in found
    assert marks(examined(envs=["tenant-b"]))["settings.stores"] == "✓"
