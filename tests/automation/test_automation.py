"""Each file of automation/ publishes to the emulator, with the inputs that it names."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.automation import steps
from tests.automation.steps import AUTOMATION, BRANCH, COMMIT, Step, Values
from tests.conftest import ENV, slow
from tests.docs.conftest import SECRET, serving_tokens
from tests.docs.fresh_project import FreshProject, block, empty_database
from tests.tables import each
from wx_static_store.emulator import EmulatorServer

PAGE = "howto/ci"
# Stands for npm, which would fetch packages: `npm ci` wants a lock file, the build writes a site.
NPM = """#!/bin/sh
case "$*" in
ci*) test -f package-lock.json ;;
"run build"*) mkdir -p dist/assets && echo '<a href="assets/a.txt">a</a>' >dist/index.html
             echo asset >dist/assets/a.txt ;;
*) exit 1 ;;
esac
"""
# Writes down how it is called.
RECORDER = """#!/bin/sh
printf '%s\\n' "$@" "" >>"$(dirname "$0")/../calls"
"""
DATABASE = (
    '\nDATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}\n'
)
FILES: dict[str, Callable[[Values], Iterator[Step]]] = {
    "github": steps.github_action,
    "gitlab": steps.gitlab,
    "jenkins": steps.jenkins,
    "cnb": steps.cnb,
    "gitee": steps.gitee,
}
SCRIPT = re.compile(
    r"^( *)rm -f deploy\.json\n((?:\1.*\n)*?\1python manage\.py wx_deploy.*\n)", re.M
)

pytestmark = slow


@dataclass(frozen=True)
class Repository:
    """A checkout that is prepared as the page says, and what a person enters at the CI system."""

    checkout: FreshProject
    values: dict[str, str]
    cloud: EmulatorServer

    @property
    def report(self) -> Any:
        return json.loads(self.read("deploy.json"))

    def read(self, name: str) -> str:
        return (self.checkout.folder / name).read_text("utf-8")

    def run(self, steps: Iterator[Step]) -> tuple[list[str], str]:
        """Run the steps as a CI system does; return the scripts that failed, and all output."""
        failed: list[str] = []
        printed = ""
        for step in steps:
            if step.always or not failed:
                script = f"cd {step.folder}\n{step.script}"
                code, output = self.checkout.try_to_run(script, step.environment)
                assert SECRET not in output
                failed += [f"{step.script}\n{output}"] if code else []
                printed += output
        return failed, printed


@contextmanager
def prepared(folder: Path) -> Iterator[Repository]:
    """Make a checkout as the page on CI says, and an emulator of its own."""
    with EmulatorServer(envs=(ENV, "tenant-2")) as cloud, serving_tokens(cloud) as service:
        project = FreshProject(folder / "checkout", PIP_NO_INDEX="1", PYTHONWARNINGS="default")
        for name in ("requirements-ci.txt", "config/ci.py"):
            project.follow(block(PAGE, name))
        project.follow(block("howto/tokens", "config/tokens.py"))
        for script in AUTOMATION.glob("*.py"):
            project.append(script.name, script.read_text("utf-8"))
        project.environment["WX_API_BASE_URL"] = cloud.api_url
        project.append("frontend/package-lock.json", "{}")
        project.add_command("npm", NPM)
        project.add_command("git", "#!/bin/sh\ntrue\n")
        project.append("secrets.env", f"TOKEN_SERVICE_SECRET={SECRET}\n")
        values = {
            "WX_ENV": ENV,
            "WX_BASE_URL": cloud.site_url(),
            "TOKEN_SERVICE_URL": f"http://127.0.0.1:{service.server_port}/",
            "TOKEN_SERVICE_SECRET": SECRET,
            "DJANGO_SETTINGS_MODULE": "config.ci",
            "DEPLOY_DIRECTORY": "frontend/dist",
            "DEPLOY_CHECKOUT": str(project.folder),
            "DEPLOY_SECRETS": str(project.folder / "secrets.env"),
        }
        yield Repository(project, values, cloud)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with prepared(tmp_path) as one:
        one.checkout.run("cd frontend && npm run build")  # GitHub's and GitLab's are other steps
        yield one


@each("system", FILES)
def test_a_file_publishes_the_folder(repository: Repository, system: str) -> None:
    failed, printed = repository.run(FILES[system](repository.values))
    assert failed == []
    assert sorted(repository.cloud.objects()) == ["assets/a.txt", "index.html"]
    assert repository.report["source"] == COMMIT
    assert repository.report["environments"][0]["verified"]["files"] == 2
    address = repository.report["url"]
    assert address == f"{repository.cloud.site_url()}/"
    if system == "github":
        assert repository.read("output") == f"url={address}\n"
    if system == "gitlab":
        assert repository.read("deploy.env") == f"WX_URL={address}\n"
    if system == "cnb":
        assert f"##[set-output url={address}]" in printed


def test_a_pull_request_of_cnb_has_the_preview_of_its_branch(repository: Repository) -> None:
    for text in (block(PAGE, "config/ci.py, for previews").text, DATABASE):
        repository.checkout.append("config/ci.py", text)
    (repository.checkout.folder / "db.sqlite3").write_bytes(empty_database())
    (repository.checkout.folder / "ci_comment.py").write_text("print('commented')")
    given = repository.values | {"DB_HOST": "localhost", "DB_PASSWORD": ""}
    failed, printed = repository.run(steps.cnb(given, "pull_request"))
    assert failed == []
    assert f"/_preview/{BRANCH}-" in repository.report["url"]
    assert "commented" in printed


def arguments(folder: Path, system: str, inputs: Values) -> list[str]:
    """Return the arguments with which a file calls wx_deploy; nothing else is done."""
    project = FreshProject(folder / system)
    for command in ("git", "npm", "python", "python3"):
        project.add_command(command, RECORDER)
    project.append(".venv/bin/activate", "")
    project.append("frontend/secrets.env", "")
    given = {"DEPLOY_DIRECTORY": "frontend/dist", "DEPLOY_CHECKOUT": str(project.folder)}
    given["DEPLOY_SECRETS"] = str(project.folder / "frontend/secrets.env")
    for step in FILES[system]({**given, **inputs}):
        code, printed = project.try_to_run(step.script, step.environment)
        assert code == 0, printed
    assert not (project.folder / "broken").exists()
    [found] = [
        words
        for call in (project.folder / "calls").read_text("utf-8").split("\n\n")
        if (words := call.splitlines())[:2] == ["manage.py", "wx_deploy"]
    ]
    return found[2:]


@each("system", FILES)
def test_a_dry_run_to_another_environment(tmp_path: Path, system: str) -> None:
    given = {"DEPLOY_ENV": "tenant-2", "DEPLOY_DRY_RUN": "true", "DEPLOY_STORE": "shop"}
    shown = "frontend/dist --using shop --yes --strict --env tenant-2 --verify --dry-run"
    assert arguments(tmp_path, system, given) == shown.split()


@each("system", FILES)
def test_the_name_of_a_preview_is_no_part_of_the_script(tmp_path: Path, system: str) -> None:
    name = 'menu"; touch broken; $(touch broken) `touch broken`'
    before, after = "frontend/dist --using site --yes --strict", "--wait --json deploy.json"
    wanted = [*before.split(), "--preview", name, *after.split()]
    assert arguments(tmp_path, system, {"DEPLOY_PREVIEW": name}) == wanted


@each("system", ["gitlab", "jenkins"])
def test_a_failed_environment_is_a_failed_test(repository: Repository, system: str) -> None:
    refusal = {"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "times": None}
    repository.cloud.script(refusal)
    [failed], _printed = repository.run(FILES[system](repository.values))
    assert "wx_deploy" in failed
    [case] = ElementTree.fromstring(repository.read("deploy-junit.xml"))
    assert (case.get("name"), case[0].get("message")) == (ENV, "failed")
    assert "85088" in (case[0].text or "")


def test_every_file_runs_the_same_script() -> None:
    found = [
        SCRIPT.findall(path.read_text("utf-8")) for path in AUTOMATION.rglob("*") if path.is_file()
    ]
    scripts = [
        tuple(line.removeprefix(indent) for line in script.splitlines())
        for [(indent, script)] in filter(None, found)
    ]
    assert len(scripts) == len(FILES)
    assert len({*scripts}) == 1, scripts
