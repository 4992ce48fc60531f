"""The pytest plugin that projects get with the app."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import slow
from wx_static_store.emulator import EmulatorServer

SETTINGS = """
    SECRET_KEY = "x"
    INSTALLED_APPS = ["wx_static_store"]
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    STORAGES = {
        "default": {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": {"env": "prod-1"}},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    WX_STATIC_STORE = {"ACCESS_TOKEN": "real-token"}
"""
START = """
    import pytest
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    def save(name):
        default_storage.save(name, ContentFile(b"x"))
"""
# Of a project whose settings name the real WeChat.
TESTS = """
    def test_for_real():
        save("a.txt")

    @pytest.mark.wx_real
    def test_marked(settings):
        nobody = {"API_BASE_URL": "https://api.example.invalid", "MAX_ATTEMPTS": 1}
        settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | nobody
        save("a.txt")

    def test_emulator(wx_emulator):
        save("a.txt")
        assert wx_emulator.objects("prod-1")["a.txt"].body == b"x"

    def test_storage(wx_storage):
        assert wx_storage.open(wx_storage.save("b", ContentFile(b"y"))).read() == b"y"

    def store(**options):
        stores = {"default": {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": options}}
        return {"STORAGES": stores}

    CHANGES = {
        "callable-env": store(env=lambda: "prod-1"),
        "base_url": store(env="prod-1", base_url="https://real.example"),
        "token_provider": store(env="prod-1", token_provider="project.tokens.real"),
        "no-env": {"WX_STATIC_STORE": {"ENV": None, "BASE_URL": "https://real.example"}},
        "MEDIA_URL": {"MEDIA_URL": "https://real.example/media/"},
    }

    @pytest.fixture(params=CHANGES)
    def change(request, settings):
        for name, value in CHANGES[request.param].items():
            setattr(settings, name, value)

    def test_option(change, wx_emulator):
        save("a.txt")
        assert default_storage.open("a.txt").read() == b"x"
"""
# Of a project whose settings name the developer's emulator, as `manage.py` uses it.
TESTS_IN_DEVELOPMENT = """
    def test_unmarked():
        save("unmarked.txt")

    def test_emulator(wx_emulator):
        save("emulator.txt")
        assert "emulator.txt" in wx_emulator.objects("prod-1")

    @pytest.mark.wx_real
    def test_marked():
        save("marked.txt")
"""
TESTS_WITHOUT_STORAGES = """
    from django.core.files.base import ContentFile
    from wx_static_store.storage import WxStorage

    def test_by_hand():
        WxStorage(env="prod-1").save("a.txt", ContentFile(b"x"))
"""
# A project need not have these, and most take longer to import than the tests do to run.
WITHOUT = ("anyio", "cacheprovider", "hypothesispytest", "schemathesis", "xdist")


@dataclass(frozen=True)
class Run:
    """What a project's tests printed, and how each failed, by its name."""

    printed: str
    failures: dict[str, str]


def run(folder: Path, tests: str, settings: str = SETTINGS, *options: str) -> Run:
    """Run the tests of a project with these settings, in a process of its own."""
    for name, text in (("project_settings.py", settings), ("test_it.py", tests)):
        (folder / name).write_text(textwrap.dedent(text))
    command = [sys.executable, "-m", "pytest", "--ds=project_settings", "--junitxml=report.xml"]
    command += [*(f"-pno:{name}" for name in WITHOUT), *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    cases = ElementTree.parse(folder / "report.xml").iter("testcase")
    return Run(done.stdout, {str(case.get("name")): "".join(case.itertext()) for case in cases})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("project"), START + TESTS)


def test_an_upload_for_real_fails_the_test_with_advice(project: Run) -> None:
    failure = project.failures["test_for_real"]
    assert "about to publish a file for real, through api.weixin.qq.com" in failure
    assert "wx_storage" in failure


def test_no_failure_shows_the_token(project: Run) -> None:
    assert "real-token" not in project.printed


def test_the_emulator_takes_the_uploads_of_the_projects_own_stores(project: Run) -> None:
    assert project.failures["test_emulator"] == ""


@pytest.mark.parametrize(
    "changed", ["callable-env", "base_url", "token_provider", "no-env", "MEDIA_URL"]
)
def test_no_option_of_a_store_leads_away_from_the_emulator(project: Run, changed: str) -> None:
    assert project.failures[f"test_option[{changed}]"] == ""


def test_wx_storage_is_a_storage_over_the_emulator(project: Run) -> None:
    assert project.failures["test_storage"] == ""


def test_a_marked_test_may_upload_for_real(project: Run) -> None:
    """It is let through to the network, where nobody listens."""
    failure = project.failures["test_marked"]
    assert "The server could not be reached (https://api.example.invalid" in failure
    assert "for real" not in failure


@pytest.fixture(scope="module")
def developers() -> Iterator[EmulatorServer]:
    with EmulatorServer(envs=["prod-1"]) as server:
        yield server


def naming(server: EmulatorServer) -> str:
    """Return a project's settings that name this emulator."""
    given = f'"{server.access_token}", "API_BASE_URL": "{server.api_url}"'
    return SETTINGS.replace('"real-token"', given)


@pytest.fixture(scope="module")
def in_development(
    developers: EmulatorServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("project")
    return run(folder, START + TESTS_IN_DEVELOPMENT, naming(developers)).failures


@slow
def test_an_upload_to_the_developers_own_emulator_fails_the_test_with_advice(
    in_development: dict[str, str], developers: EmulatorServer
) -> None:
    failure = in_development["test_unmarked"]
    host = developers.api_url.removeprefix("http://")
    expected = f"write to the emulator that your settings name, {host}, where it would change"
    assert expected in failure
    assert "Use the fixture wx_storage or wx_emulator" in failure
    assert f"a test that must reach {host} is marked @pytest.mark.wx_real" in failure


@slow
def test_the_fixture_takes_the_place_of_the_developers_own_emulator(
    in_development: dict[str, str],
) -> None:
    assert in_development["test_emulator"] == ""


@slow
def test_only_a_marked_test_may_write_to_the_developers_own_emulator(
    in_development: dict[str, str], developers: EmulatorServer
) -> None:
    assert in_development["test_marked"] == ""
    assert {call.key for call in developers.journal if call.key} == {"marked.txt"}
    assert [*developers.objects("prod-1")] == ["marked.txt"]


@slow
def test_a_store_built_by_hand_is_kept_from_the_developers_own_emulator(tmp_path: Path) -> None:
    """A field may have a storage that is no alias of STORAGES."""
    with EmulatorServer(envs=["prod-1"]) as server:
        settings = naming(server) + "    del STORAGES\n"
        failures = run(tmp_path, TESTS_WITHOUT_STORAGES, settings).failures
    assert "write to the emulator that your settings name" in failures["test_by_hand"]
    assert server.journal == []


@slow
def test_a_project_without_django_is_left_alone(tmp_path: Path) -> None:
    tests = "def test_it():\n    pass\n"
    command = [sys.executable, "-m", "pytest", "-pno:django", *(f"-pno:{name}" for name in WITHOUT)]
    (tmp_path / "test_it.py").write_text(tests)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout
