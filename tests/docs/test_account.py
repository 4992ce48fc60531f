"""docs/howto/account.rst: its steps are taken with the emulator, and end as the page shows."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks, matches
from tests.docs.fresh_project import FreshProject, block
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.tickets import PUSH_AES_KEY, PUSH_TOKEN

ENV = "tenant-a-1x2y"
CALLBACK = """
import os
INSTALLED_APPS += ["wx_static_store.callback"]
CACHES = {{
    "default": {{"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}},
}}
SILENCED_SYSTEM_CHECKS = ["wx_static_store.W007"]
del WX_STATIC_STORE["ACCESS_TOKEN"]
WX_STATIC_STORE |= {{
    "ENV": os.environ.get("WX_ENV", "unknown"),
    "COMPONENT_APPID": "{0.appid}",
    "COMPONENT_APPSECRET": "{0.appsecret}",
    "CALLBACK_TOKEN": "{1}",
    "CALLBACK_AES_KEY": "{2}",
}}
"""
FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "whitelist": ({"allowed_ip": "192.0.2.1"}, {"allowed_ip": ""}),
    "closed": ({"batch_opened": False}, {"batch_opened": True}),
}

pytestmark = slow


def test_the_steps_of_the_page_open_a_site_and_publish_its_first_file(tmp_path: Path) -> None:
    with EmulatorServer(envs=("own-1a2b",)) as cloud:
        cloud.add_env(ENV, status="none")
        project = _project(tmp_path / "project", cloud)
        for one in blocks(DOCS / "howto" / "account.rst"):
            if one.name in FAULTS:
                _see_the_fault(project, cloud, one.name)
            elif one.name in ("pushes", "token", "known", "env", "hosting"):
                _ask(project, one.text)
            else:
                project.follow(one, {"https://api.weixin.qq.com": cloud.api_url})
        assert sorted(cloud.objects(ENV)) == ["index.html"]


def _project(folder: Path, cloud: EmulatorServer) -> FreshProject:
    """Return a project whose callback got a ticket, and which has the store `site`."""
    account = cloud.state.account
    project = FreshProject(folder, WX_APPID=account.appid, WX_APPSECRET=account.appsecret)
    project.use(cloud)
    project.follow(block("howto/doctor", "health-app"))
    project.append("config/settings.py", CALLBACK.format(account, PUSH_TOKEN, PUSH_AES_KEY))
    address = {"https://www.example.com": cloud.site_url(ENV)}
    project.follow(block("howto/deploy", "config/settings.py"), address)
    project.paste(block("howto/tokens", "config/urls.py"))
    project.run("python manage.py migrate && python manage.py createcachetable")
    with project.serving() as address:
        cloud.push_to(f"{address}/wx/callback/")
        assert cloud.push().answer == "success"
    return project


def _see_the_fault(project: FreshProject, cloud: EmulatorServer, name: str) -> None:
    wrong, right = FAULTS[name]
    cloud.quirks.update(wrong)
    _empty_cache(project)  # of the token
    _ask(project, block("howto/account", name).text)
    cloud.quirks.update(right)
    _empty_cache(project)  # of the word that a fetch failed


def _empty_cache(project: FreshProject) -> None:
    with closing(sqlite3.connect(project.folder / "db.sqlite3")) as database:
        database.execute("DELETE FROM cache")
        database.commit()


def _ask(project: FreshProject, text: str) -> None:
    """Run a block whose last command is wx_doctor, which says that later steps are missing."""
    typed, shown = text.split("wx_doctor\n")
    for line in typed.splitlines():
        if line.startswith("$ export "):
            project.export(line.removeprefix("$ "))
    _code, printed = project.try_to_run("python manage.py wx_doctor")
    assert matches(shown, printed), printed
