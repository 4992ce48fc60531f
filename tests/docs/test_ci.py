"""docs/howto/ci.rst: the commands of each file are run as they are, in a folder like a checkout."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.automation.steps import (
    AUTOMATION,
    COMMIT,
    INPUTS,
    Step,
    Values,
    github_action,
    gitlab,
    jenkins,
    text_of,
)
from tests.automation.test_automation import PAGE, Repository, prepared
from tests.conftest import ENV, slow
from tests.docs.blocks import DOCS
from tests.docs.conftest import SECRET
from tests.docs.fresh_project import block, empty_database
from wx_static_store.deploy.report import EnvironmentReport, as_dict

ACTION = "./.github/actions/wx-deploy"
DOWNLOAD = re.compile(r":download:`[^`<]+<(\S+)>`")

pytestmark = slow


def github(values: Values) -> Iterator[Step]:
    """Yield the steps of the workflow, those of the action among them."""
    job = yaml.safe_load(text_of("github/deploy.yml"))["jobs"]["deploy"]
    for step in job["steps"]:
        given = job["env"] | step.get("env", {})
        known = {
            name: re.sub(r"\$\{\{ (?:vars|secrets)\.(\w+) }}", lambda m: values[m[1]], value)
            for name, value in given.items()
        }
        if "run" in step:
            yield Step(step["run"], known, step.get("working-directory", "."))
        elif step["uses"] == ACTION:
            inputs = {INPUTS[name]: value for name, value in step["with"].items()}
            yield from github_action({**known, **inputs})


def gitlab_file(values: Values) -> Iterator[Step]:
    """Yield the steps of the pipeline, those of the component at its end."""
    file = yaml.safe_load(text_of("gitlab/.gitlab-ci.yml"))
    [included] = file["include"]
    assert file["stages"] == ["build", "deploy"]
    inputs = {INPUTS[name]: value for name, value in included["inputs"].items()}
    yield from gitlab({**values, **inputs}, {"build": file["build"]})


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with prepared(tmp_path) as one:
        yield one


@pytest.fixture(scope="module", params=[github, gitlab_file, jenkins])
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a repository that one of the files has published."""
    with prepared(tmp_path_factory.mktemp("done")) as one:
        del one.values["DEPLOY_DIRECTORY"]  # each file says it
        assert one.run(request.param(one.values))[0] == []
        yield one


def test_the_commands_of_a_file_publish_the_front_end(done: Repository) -> None:
    assert sorted(done.cloud.objects()) == ["assets/a.txt", "index.html"]


def test_the_label_of_a_release_is_the_commit(done: Repository) -> None:
    assert done.report["source"] == COMMIT


@pytest.mark.parametrize("done", [github], indirect=True)
def test_github_shows_a_summary(done: Repository) -> None:
    assert f"| {ENV} | done | 2 |" in done.read("summary.md")


@pytest.mark.parametrize("done", [gitlab_file], indirect=True)
def test_a_published_environment_is_a_test_without_failure(done: Repository) -> None:
    [case] = ElementTree.parse(done.checkout.folder / "deploy-junit.xml").getroot()
    assert (case.get("name"), len(case)) == (ENV, 0)


def test_the_workflow_of_previews_hands_the_branch_over_as_an_input() -> None:
    job = yaml.safe_load(text_of("github/preview.yml"))["jobs"]["preview"]
    [action] = [step for step in job["steps"] if step.get("uses") == ACTION]
    assert action["with"]["preview"] == "${{ github.head_ref }}"
    assert {*action["with"]} <= {*INPUTS}
    assert [step for step in job["steps"] if "${{" in step.get("run", "")] == []


def test_every_file_of_automation_can_be_downloaded() -> None:
    offered = {
        (DOCS / "howto" / path).resolve()
        for path in DOWNLOAD.findall((DOCS / f"{PAGE}.rst").read_text("utf-8"))
    }
    assert offered == {path for path in AUTOMATION.rglob("*") if path.is_file()}


def test_the_job_can_be_tried_on_the_emulator(repository: Repository) -> None:
    cloud, project, values = repository.cloud, repository.checkout, repository.values
    project.append("frontend/dist/index.html", "page")
    here = {
        "demo-1a2b3c4d5e6f7g8h": ENV,
        "http://127.0.0.1:8900": cloud.api_url,
        "http://127.0.0.1:8901": cloud.site_url(),
        "http://127.0.0.1:8890/token.json": values["TOKEN_SERVICE_URL"],
        "=rehearsal": f"={SECRET}",
    }
    project.follow(block(PAGE, "rehearsal"), here)
    assert sorted(cloud.objects()) == ["index.html"]


def test_the_job_takes_its_environments_from_a_file(repository: Repository) -> None:
    cloud, project = repository.cloud, repository.checkout
    project.append("frontend/dist/index.html", "page")
    project.append("tenants.txt", f"{ENV}\ntenant-2\n")
    given = repository.values | {"DJANGO_SETTINGS_MODULE": "config.ci"}
    del given["WX_BASE_URL"]
    deploy = "python manage.py wx_deploy frontend/dist --using site --envs-file tenants.txt --yes"
    code, printed = project.try_to_run(deploy, given)
    assert code == 0, printed
    assert [sorted(cloud.objects(env)) for env in (ENV, "tenant-2")] == [["index.html"]] * 2


def test_a_wrong_setting_ends_a_job_without_a_report(repository: Repository) -> None:
    wrong = repository.values | {"WX_BASE_URL": "www.example.com"}
    [failed], _printed = repository.run(github(wrong))
    assert "wx_deploy" in failed
    assert not (repository.checkout.folder / "deploy.json").exists()


def test_every_member_of_the_json_report_is_documented() -> None:
    environments = [EnvironmentReport("demo-1")]
    data = as_dict(environments, using="site", source="", started=0.0, seconds=0.0)
    page = (DOCS / "reference/commands.rst").read_text("utf-8")
    text = page.split(".. _wx-deploy-json:")[1].split("\n.. _")[0]
    documented = re.findall(r"^(?:– )?``(\w+)`` ", text, re.MULTILINE)
    assert documented == [*data, *data["environments"][0]]


# --- comments on pull requests --------------------------------------------------------------------


class Api(HTTPServer):
    """Another service: takes one comment."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Comment)
        self.asked: list[tuple[str, str | None, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Comment(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Authorization"], json.loads(body)))
        self.send_response(201)
        self.end_headers()

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        Thread(target=server.handle_request, daemon=True).start()
        yield server


def test_the_script_of_cnb_comments_with_the_address(tmp_path: Path, api: Api) -> None:
    (tmp_path / "deploy.json").write_text('{"url": "https://a.example.com/_preview/b-1a2b3c4d/"}')
    cnb = {"CNB_PULL_REQUEST_IID": "7", "CNB_REPO_SLUG": "tea/shop", "CNB_TOKEN": "secret"}
    cnb |= {"CNB_API_ENDPOINT": api.url}
    run_script = [sys.executable, str(AUTOMATION / "ci_comment.py")]
    subprocess.run(run_script, cwd=tmp_path, env=cnb, check=True, timeout=60)
    body = {"body": "Preview: https://a.example.com/_preview/b-1a2b3c4d/"}
    assert api.asked == [("/tea/shop/-/pulls/7/comments", "Bearer secret", body)]


@dataclass(frozen=True)
class Machine:
    """A machine of your own, where Gitee runs the script in a clone of the repository."""

    origin: Repository
    folder: Path

    def git(self, *words: str) -> str:
        me = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        command = ["git", "-C", str(self.origin.checkout.folder), *me, *words]
        return subprocess.check_output(command, text=True).strip()

    def commit(self) -> str:
        """Commit all of the repository; return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=tea")
        return self.git("rev-parse", "HEAD")

    def run_pipeline(self, commit: str) -> tuple[int, str]:
        """Do what the pipeline of pull request 7 does."""
        pipeline = yaml.safe_load(text_of("gitee/preview.yml"))
        [script] = pipeline["stages"][0]["steps"][0]["script"]
        given = {"GITEE_SOURCE_COMMIT": commit, "GITEE_PULL_ID": "7"}
        script = script.replace("/srv/preview", str(self.folder))
        return self.origin.checkout.try_to_run(script, given)


@pytest.fixture
def machine(repository: Repository, tmp_path: Path, api: Api) -> Machine:
    project, folder = repository.checkout, tmp_path / "preview"
    (project.folder / "bin" / "git").unlink()  # here the true one
    comment = (AUTOMATION / "ci_comment.py").read_text().replace("https://gitee.com", api.url)
    (project.folder / "ci_comment.py").write_text(comment)
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "log.sqlite3")}
    project.append("config/ci.py", block(PAGE, "config/ci.py, for previews").text)
    project.append("config/ci.py", f"DATABASES = {{'default': {database!r}}}")
    (tmp_path / "log.sqlite3").write_bytes(empty_database())
    found = Machine(repository, folder)
    found.git("init", "--quiet")
    found.commit()
    subprocess.run(["git", "clone", "--quiet", project.folder, folder / "site"], check=True)
    (folder / "venv" / "bin").mkdir(parents=True)
    (folder / "venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (folder / "venv" / "bin" / "python").chmod(0o755)
    values = repository.values | {"WX_API_BASE_URL": repository.cloud.api_url}
    lines = [*block(PAGE, "/srv/preview/env.sh").text.splitlines()]
    lines += [f"export {name}={value}" for name, value in values.items()]
    (folder / "env.sh").write_text("\n".join(lines))
    script = text_of("gitee/preview.sh")
    (folder / "preview.sh").write_text(script.replace("/srv/preview", str(folder)))
    return found


def test_the_pipeline_of_gitee_publishes_a_branch_and_comments_with_its_address(
    machine: Machine, api: Api
) -> None:
    machine.git("checkout", "--quiet", "-b", "new-menu")
    code, printed = machine.run_pipeline(machine.commit())
    assert code == 0, printed
    page = next(key for key in machine.origin.cloud.objects() if key.endswith("/index.html"))
    assert re.fullmatch("_preview/pr-7-[0-9a-z]{8}/index.html", page)
    address = f"{machine.origin.cloud.site_url()}/{page.removesuffix('index.html')}"
    body = {"body": f"Preview: {address}", "access_token": "the-token-of-gitee"}
    assert api.asked == [("/api/v5/repos/example/shop/pulls/7/comments", None, body)]


def test_the_pipeline_of_gitee_builds_no_commit_of_a_fork(machine: Machine) -> None:
    code, printed = machine.run_pipeline("f" * 40)
    assert code, printed
    assert machine.origin.cloud.objects() == {}
