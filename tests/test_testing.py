"""The pytest plugin that projects get with the app."""

from collections.abc import Iterator

import pytest

from wx_static_store.emulator import EmulatorServer

pytest_plugins = ["pytester"]

PROJECT = """
    SECRET_KEY = "x"
    INSTALLED_APPS = ["wx_static_store"]
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    STORAGES = {
        "default": {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": {"env": "prod-1"}},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    WX_STATIC_STORE = {"ACCESS_TOKEN": "real-token"}
"""
SAVE = """
    import pytest
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    {mark}
    def test_save({fixture}):
        default_storage.save("a.txt", ContentFile(b"x"))
        {check}
"""

SAVE_BY_HAND = """
    from django.core.files.base import ContentFile
    from wx_static_store.storage import WxStorage

    def test_save():
        WxStorage(env="prod-1").save("a.txt", ContentFile(b"x"))
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(project_settings=PROJECT)
    return pytester


# A project need not have these, and most take longer to import than the test does to run.
WITHOUT = [
    f"-pno:{name}"
    for name in ("anyio", "cacheprovider", "hypothesispytest", "schemathesis", "xdist")
]


def run(project: pytest.Pytester, *, mark: str = "", fixture: str = "", check: str = "pass") -> str:
    project.makepyfile(test_it=SAVE.format(mark=mark, fixture=fixture, check=check))
    return "\n".join(project.runpytest_subprocess("--ds=project_settings", *WITHOUT).outlines)


def test_an_upload_for_real_fails_the_test_with_advice(project: pytest.Pytester) -> None:
    out = run(project)
    assert "1 failed" in out
    assert "about to publish a file for real, through api.weixin.qq.com" in out
    assert "wx_storage" in out
    assert "real-token" not in out


def test_the_emulator_takes_the_uploads_of_the_projects_own_stores(
    project: pytest.Pytester,
) -> None:
    out = run(
        project,
        fixture="wx_emulator",
        check='assert wx_emulator.objects("prod-1")["a.txt"].body == b"x"',
    )
    assert "1 passed" in out


@pytest.mark.parametrize(
    "changed",
    [
        ('"env": "prod-1"', '"env": lambda: "prod-1"'),
        ('"env": "prod-1"', '"env": "prod-1", "base_url": "https://real.example"'),
        ('"env": "prod-1"', '"env": "prod-1", "token_provider": "project.tokens.real"'),
        ('"ACCESS_TOKEN": "real-token"', '"ENV": None, "BASE_URL": "https://real.example"'),
        ("SECRET_KEY", 'MEDIA_URL = "https://real.example/media/"\n    SECRET_KEY'),
    ],
    ids=["callable env", "base_url", "token_provider", "no env", "MEDIA_URL"],
)
def test_no_option_of_a_store_leads_away_from_the_emulator(
    project: pytest.Pytester, changed: tuple[str, str]
) -> None:
    assert changed[0] in PROJECT
    project.makepyfile(project_settings=PROJECT.replace(*changed))
    out = run(
        project,
        fixture="wx_emulator",
        check='assert default_storage.open("a.txt").read() == b"x"',
    )
    assert "1 passed" in out, out


def test_wx_storage_is_a_storage_over_the_emulator(project: pytest.Pytester) -> None:
    out = run(
        project,
        fixture="wx_storage",
        check='assert wx_storage.open(wx_storage.save("b", ContentFile(b"y"))).read() == b"y"',
    )
    assert "1 passed" in out


def test_a_marked_test_may_upload_for_real(project: pytest.Pytester) -> None:
    """It is let through to the network, where nobody listens."""
    project.makepyfile(
        project_settings=PROJECT.replace(
            '"real-token"',
            '"real-token", "API_BASE_URL": "https://api.example.invalid", "MAX_ATTEMPTS": 1',
        )
    )
    out = run(project, mark="@pytest.mark.wx_real")
    assert "The server could not be reached (https://api.example.invalid" in out
    assert "for real" not in out


@pytest.fixture
def developers(project: pytest.Pytester) -> Iterator[EmulatorServer]:
    """Start an emulator that the project's settings name, as `manage.py` uses it."""
    with EmulatorServer(envs=["prod-1"]) as server:
        given = f'"{server.access_token}", "API_BASE_URL": "{server.api_url}"'
        project.makepyfile(project_settings=PROJECT.replace('"real-token"', given))
        yield server


def test_an_upload_to_the_developers_own_emulator_fails_the_test_with_advice(
    project: pytest.Pytester, developers: EmulatorServer
) -> None:
    out = run(project)
    host = developers.api_url.removeprefix("http://")
    assert "1 failed" in out
    assert f"write to the emulator that your settings name, {host}, where it would change" in out
    assert "Use the fixture wx_storage or wx_emulator" in out
    assert f"a test that must reach {host} is marked @pytest.mark.wx_real" in out
    assert developers.journal == []


def test_the_fixture_spares_the_developers_own_emulator(
    project: pytest.Pytester, developers: EmulatorServer
) -> None:
    check = 'assert "a.txt" in wx_emulator.objects("prod-1")'
    assert "1 passed" in run(project, fixture="wx_emulator", check=check)
    assert developers.journal == []


def test_a_marked_test_may_write_to_the_developers_own_emulator(
    project: pytest.Pytester, developers: EmulatorServer
) -> None:
    assert "1 passed" in run(project, mark="@pytest.mark.wx_real")
    assert "a.txt" in developers.objects("prod-1")


def test_a_store_built_by_hand_is_kept_from_the_developers_own_emulator(
    project: pytest.Pytester, developers: EmulatorServer
) -> None:
    """A field may have a storage that is no alias of STORAGES."""
    project.makepyfile(
        project_settings="from base_settings import *\ndel STORAGES",
        base_settings=(project.path / "project_settings.py").read_text(),
    )
    project.makepyfile(test_it=SAVE_BY_HAND)
    out = "\n".join(project.runpytest_subprocess("--ds=project_settings", *WITHOUT).outlines)
    assert "write to the emulator that your settings name" in out
    assert developers.journal == []


def test_a_project_without_django_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest_subprocess("-p", "no:django", *WITHOUT)
    result.assert_outcomes(passed=1)
