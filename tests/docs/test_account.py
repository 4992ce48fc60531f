"""docs/howto/account.rst: its calls are made to the emulator, and answered as the page shows."""

from pathlib import Path

from tests.docs.blocks import DOCS, blocks
from tests.docs.fresh_project import FreshProject, block
from wx_static_store.emulator import EmulatorServer

ENV = "tenant-a-1x2y"
OWN_TOKEN = """
del WX_STATIC_STORE["ACCESS_TOKEN"]
WX_STATIC_STORE |= {{
    "COMPONENT_APPID": "{0.appid}",
    "COMPONENT_APPSECRET": "{0.appsecret}",
    "VERIFY_TICKET": "{0.ticket}",
}}
"""


def test_the_calls_of_the_page_open_a_site_and_publish_its_first_file(tmp_path: Path) -> None:
    with EmulatorServer(envs=("own-1a2b",)) as cloud:
        cloud.add_env(ENV, status="none")
        account = cloud.state.account
        project = FreshProject(
            tmp_path / "project", WX_APPID=account.appid, WX_APPSECRET=account.appsecret
        )
        project.use(cloud)
        project.append("config/settings.py", OWN_TOKEN.format(account))
        project.follow(block("howto/deploy", "config/settings.py"))
        for one in blocks(DOCS / "howto" / "account.rst"):
            if one.name != "describeenvs":  # no call of the emulator
                project.follow(one, {"https://api.weixin.qq.com": cloud.api_url})
        assert sorted(cloud.objects(ENV)) == ["index.html"]
