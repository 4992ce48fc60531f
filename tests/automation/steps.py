"""
Read the file of a CI system, and yield the shell steps that the system would run.

`given` is what a person enters there: variables and secrets, and the inputs DEPLOY_….
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

AUTOMATION = Path(__file__).parents[2] / "automation"
COMMIT = "0123456789abcdef"
BRANCH = "new-menu"  # of a pull request
Values = Mapping[str, str]
# The names that the files for GitHub and GitLab give the inputs.
INPUTS = {
    "directory": "DEPLOY_DIRECTORY",
    "store": "DEPLOY_STORE",
    "environment": "DEPLOY_ENV",
    "preview": "DEPLOY_PREVIEW",
    "dry-run": "DEPLOY_DRY_RUN",
}


@dataclass(frozen=True)
class Step:
    """One call of a shell; it is run after a failure, too, if `always`."""

    script: str
    environment: Values
    folder: str = "."
    always: bool = False


def text_of(name: str) -> str:
    return (AUTOMATION / name).read_text("utf-8")


def _inputs(declared: Mapping[str, Any], given: Values) -> dict[str, str]:
    """Return the value of each input: what is given, or its default."""
    assert {*INPUTS} <= {*declared}
    values = {}
    for name, facts in declared.items():
        value = given.get(INPUTS.get(name, ""), facts.get("default"))
        assert value is not None, f"the input {name} is required"
        values[name] = str(value).lower() if isinstance(value, bool) else value
    return values


def github_action(given: Values) -> Iterator[Step]:
    """Yield the steps of the composite action."""
    action = yaml.safe_load(text_of("github/action.yml"))
    assert action["runs"]["using"] == "composite"
    inputs = _inputs(action["inputs"], given)
    of_run = {"GITHUB_SHA": COMMIT, "GITHUB_STEP_SUMMARY": "summary.md", "GITHUB_OUTPUT": "output"}
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]  # an input in a script would be run as a part of it
        own = {
            name: re.sub(r"\$\{\{ inputs\.([\w-]+) }}", lambda m: inputs[m[1]], value)
            for name, value in step.get("env", {}).items()
        }
        yield Step(step["run"], {**given, **of_run, **own})


def gitlab(given: Values, jobs: Mapping[str, Any] | None = None) -> Iterator[Step]:
    """Yield the steps of the component, after those of the jobs of a `.gitlab-ci.yml`."""
    for job in (jobs or {}).values():
        yield Step("\n".join(job["script"]), given)
    header, body = text_of("gitlab/wx-deploy.yml").split("\n---\n")
    inputs = _inputs(yaml.safe_load(header)["spec"]["inputs"], given)
    job = yaml.safe_load(body)["wx-deploy"]

    def filled(value: str) -> str:
        return re.sub(r"\$\[\[ inputs\.([\w-]+) ]]", lambda m: inputs[m[1]], value)

    assert filled(job["stage"]) == "deploy"
    own = {name: filled(value) for name, value in job["variables"].items()}
    known = {**given, **own, "PIP_CACHE_DIR": "", "CI_COMMIT_SHA": COMMIT}
    yield Step("\n".join(job["script"]), known)
    yield Step("\n".join(job["after_script"]), known, always=True)


def jenkins(given: Values) -> Iterator[Step]:
    text = text_of("jenkins/Jenkinsfile")
    assert text.count("{") == text.count("}")
    named = re.findall(r"^ +([A-Z_]+) = '(.*)'$", text, re.M)
    asked = re.findall(r"name: '(\w+)', defaultValue: '?([^',]*)'?,", text)
    assert {name for name, _default in asked} == {*INPUTS.values()}
    known = {**dict(named), **dict(asked), **given, "GIT_COMMIT": COMMIT}
    always = text.index("    post {")
    for found in re.finditer(r"sh ('''|')(.*?)\1", text, re.S):
        yield Step(found[2], known, always=found.start() > always)


def cnb(given: Values, event: str = "push") -> Iterator[Step]:
    [pipeline] = yaml.safe_load(text_of("cnb/.cnb.yml"))["main"][event]
    of_request = {"CNB_PULL_REQUEST_IID": "7", "CNB_PULL_REQUEST_BRANCH": BRANCH}
    known = {**pipeline["env"], "CNB_COMMIT": COMMIT, **given}
    known |= of_request if event == "pull_request" else {}
    for stage in pipeline["stages"]:
        yield Step(stage["script"], known)


def gitee(given: Values) -> Iterator[Step]:
    pipeline = yaml.safe_load(text_of("gitee/wx-deploy.yml"))
    known = {**pipeline["variables"], "GITEE_COMMIT": COMMIT, **given}
    for stage in pipeline["stages"]:
        for step in stage["steps"]:
            yield Step("\n".join(step["script"]), known)
