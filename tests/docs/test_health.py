"""docs/howto/health.rst: its address, and its checks for django-health-check."""

from pathlib import Path

from tests.conftest import ci_package, slow
from tests.docs.blocks import DOCS, blocks
from tests.docs.fresh_project import FreshProject, block
from wx_static_store.emulator import EmulatorServer

PAGE = "howto/health"
MADE = "Generated token "

pytestmark = slow


def test_a_monitor_asks_by_http(tmp_path: Path, emulator: EmulatorServer) -> None:
    project = FreshProject(tmp_path / "reader")
    project.add_api()
    project.paste(next(b for b in blocks(DOCS / "howto/api.rst") if b.caption))
    project.use(emulator)
    project.paste(block("howto/doctor", "health-app"))
    project.run("python manage.py migrate")  # the table of the tokens
    project.append(".curlrc", "silent\n")
    project.environment["CURL_HOME"] = str(project.folder)
    user, token, curl = (b for b in blocks(DOCS / f"{PAGE}.rst") if not b.caption)
    project.append("user.py", user.text.replace(">>> ", ""))
    project.run("python manage.py shell < user.py")
    project.follow(token)
    project.export(f"export TOKEN=$({token.commands[0][0]} | sed 's/{MADE}//; s/ .*//')")
    with project.serving() as url:
        project.follow(curl, {"http://127.0.0.1:8000": url})


def test_django_health_check_asks_the_doctor(tmp_path: Path, emulator: EmulatorServer) -> None:
    ci_package("health_check")
    project = FreshProject(tmp_path / "reader")
    project.use(emulator)
    project.paste(block("howto/doctor", "health-app"))
    project.paste(block(PAGE, "config/urls.py"))
    with project.serving() as url:
        said = project.run(f"curl -sf -H 'Accept: application/json' {url}/health/")
    assert '"DoctorCheck(max_age=10.0)": "OK"' in said
