"""What `make dist` builds and `make release` judges, and the empty environment of README.rst."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.conftest import ENV, ci_package
from tests.docs.blocks import DOCS, blocks
from tests.tables import each
from wx_static_store.emulator import EmulatorServer

ROOT = Path(__file__).parent.parent
REQUIRED = bool(os.environ.get("WX_REQUIRE_PACKAGING"))
SECONDS = 300  # for one command
INSTALL = blocks(ROOT / "README.rst")[0].text
EXTRA = re.compile(r"""pip install ["'](wx_static_store\[\w+\])["']""")
WARNING = re.compile(r"^.*(?:[Ww]arning:|\bWARNING\b).*$", re.MULTILINE)
# What a project that publishes the packages adds to setup.cfg: CONTRIBUTING.rst prints the like.
ADDRESSES = """
[metadata]
author_email = wx-static-store@example.com
project_urls =
    Source = https://example.com/wx_static_store
"""

pytestmark = pytest.mark.skipif(
    not {"WX_SLOW", "WX_REQUIRE_PACKAGING"} & {*os.environ},
    reason="builds packages for half a minute: WX_SLOW=1 runs it",
)

NOBODY = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
STAY_AT_HOME = {".gitignore"}  # is of no use outside a checkout
METADATA = {
    *("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt"),
}
EASILY_FORGOTTEN = {"py.typed", "migrations/0001_initial.py", "emulator/__main__.py"}

# The first version without the holes that are known of it. Of Django a bound can speak of the
# oldest series only; pip takes the last patch of the newer ones by itself.
PATCHED = {
    "Django": "5.2",
    "djangorestframework": "3.15.2",
    "requests": "2.32.4",  # netrc
    "urllib3": "2.7.0",  # headers, decompression bombs
    "cryptography": "44.0.1",
    "tqdm": "4.66.3",
}


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    unset = dict.fromkeys(("MAKEFLAGS", "PYTHONPATH", "PIP_REQUIRE_VIRTUALENV"), "")
    return subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=os.environ | unset | environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def done(*command: str | Path, cwd: Path, **environment: str) -> str:
    result = run(*command, cwd=cwd, **environment)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


def unless_required(reason: str) -> None:
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(f"{reason} (WX_REQUIRE_PACKAGING makes this a failure)")


def our_files() -> list[str]:
    """Return the files that git knows or will; skip where there is no checkout."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT)
    if listed.returncode:
        unless_required("this is no git checkout")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@dataclass(frozen=True)
class Dist:
    """The files of a checkout, what was built of them, and the project of somebody who did it."""

    files: frozenset[str]
    source: Path
    sdist: Path
    wheel: Path
    project: Path
    shown: str


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Dist:
    """Type what README.rst prints, in an empty folder beside a checkout."""
    folder = tmp_path_factory.mktemp("packaging")
    wanted = ("--no-deps", "--retries=0", "--timeout=5", "--dest=net", "setuptools>=77")
    if run(sys.executable, "-m", "pip", "download", *wanted, cwd=folder).returncode:
        unless_required("pip reaches no package index")
    files = our_files()
    for name in files:
        target = folder / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
        target.chmod((ROOT / name).stat().st_mode)
    source, project = folder / "source", folder / "project"
    project.mkdir()
    done("git", "init", "--quiet", cwd=source)
    done("git", "add", "--all", cwd=source)
    done("git", *NOBODY, "commit", "--quiet", "--message=All", "--date=2026-01-01", cwd=source)
    typed = INSTALL.replace("path/to/checkout", "../source")
    shown = done("bash", "-ec", f"exec 2>&1\n{typed}", cwd=project, PYTHON=sys.executable)
    (sdist,), (wheel,) = source.glob("dist/*.tar.gz"), source.glob("dist/*.whl")
    return Dist(frozenset(files), source, sdist, wheel, project, shown)


@pytest.fixture(scope="module")
def in_wheel(dist: Dist) -> set[str]:
    with zipfile.ZipFile(dist.wheel) as file:
        return set(file.namelist())


# --- what is in them --------------------------------------------------------------------------


def test_the_wheel_holds_the_whole_package_and_nothing_else(dist: Dist, in_wheel: set[str]) -> None:
    """Templates and translations among it, as soon as there are any."""
    package = {name for name in dist.files if name.startswith("wx_static_store/")}
    metadata = {name for name in in_wheel if ".dist-info/" in name}
    assert in_wheel - metadata == package
    assert {name.split("/", 1)[1] for name in metadata} == METADATA


@pytest.mark.parametrize("name", sorted(EASILY_FORGOTTEN))
def test_the_wheel_holds_what_no_import_misses(in_wheel: set[str], name: str) -> None:
    assert f"wx_static_store/{name}" in in_wheel


def test_the_sdist_holds_the_whole_project(dist: Dist) -> None:
    with tarfile.open(dist.sdist) as file:
        names = {member.name.split("/", 1)[1] for member in file if member.isfile()}
    made = {name for name in names if ".egg-info/" in name} | {"PKG-INFO"}
    assert names - made == dist.files - STAY_AT_HOME


def test_nothing_is_warned_of(dist: Dist) -> None:
    assert WARNING.findall(dist.shown) == []


def test_a_commit_is_built_to_the_same_bytes(dist: Dist) -> None:
    before = [built.read_bytes() for built in (dist.sdist, dist.wheel)]
    for name in dist.files - {"setup.cfg", "pyproject.toml"}:  # they would make .venv-dist anew
        (dist.source / name).touch()
    done("make", "dist", cwd=dist.source, PYTHON=sys.executable)
    assert [built.read_bytes() for built in (dist.sdist, dist.wheel)] == before


# --- `make release` ---------------------------------------------------------------------------


def make(target: str, dist: Dist, **environment: str) -> None:
    """Make it with the tools of the extra ci; ``make release`` gets an environment of its own."""
    tools = f"BIN={Path(sys.executable).parent}"
    done("make", target, tools, f"PYTHON={sys.executable}", cwd=dist.source, **environment)


def test_twine_check_wheel_contents_and_pyroma_find_no_fault(dist: Dist, tmp_path: Path) -> None:
    """A project that publishes adds its addresses; nothing else is missing."""
    ci_package("pyroma")
    addresses = tmp_path / "addresses.cfg"
    addresses.write_text(ADDRESSES)
    make("judge", dist, DIST_EXTRA_CONFIG=str(addresses))


def test_the_parts_list_names_what_the_wheel_installs_and_nothing_of_this_machine(
    dist: Dist,
) -> None:
    ci_package("cyclonedx_py")
    make("sbom", dist)
    text = (dist.source / "dist/sbom.cdx.json").read_text("utf-8")
    names = {part["name"].lower() for part in json.loads(text)["components"]}
    assert {"wx_static_store", "django", "requests", "urllib3", "certifi"} <= names
    assert not {"pip", "pytest"} & names
    assert "file:" not in text


# --- an empty environment ---------------------------------------------------------------------

PROJECT = """
import os
from pathlib import Path

SECRET_KEY = "only-for-tests"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth",
                  "django.contrib.staticfiles", "wx_static_store"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "log.sqlite3"}}
STATIC_URL, STATIC_ROOT = "/static/", str(Path("root").absolute())
STATICFILES_DIRS = [str(Path("front").absolute())]
STORAGES = {"staticfiles": {
    "BACKEND": "wx_static_store.staticfiles.WxManifestStaticFilesStorage",
    "OPTIONS": {"location": "static"},
}}
WX_STATIC_STORE = {"ENV": os.environ["WX_ENV"], "API_BASE_URL": os.environ["WX_API"],
                   "ACCESS_TOKEN": os.environ["WX_ACCESS_TOKEN"]}
"""


class Installation:
    """A project of one style sheet, in an environment that holds the wheel and what it asks for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / ".venv" / "bin" / "python"
        (folder / "project.py").write_text(PROJECT)
        (folder / "front").mkdir()
        (folder / "front" / "a.css").write_text("body {}")

    def django(self, cloud: EmulatorServer, *command: str) -> str:
        names = {"WX_ENV": ENV, "WX_API": cloud.api_url, "WX_ACCESS_TOKEN": cloud.access_token}
        names["DJANGO_SETTINGS_MODULE"] = "project"
        return done(self.python, "-m", "django", *command, cwd=self.folder, **names)


@pytest.fixture(scope="module")
def installation(dist: Dist) -> Installation:
    return Installation(dist.project)


def test_the_package_comes_from_the_wheel(installation: Installation) -> None:
    where = "import wx_static_store; print(wx_static_store.__file__)"
    shown = done(installation.python, "-c", where, cwd=installation.folder)
    assert Path(shown.strip()).is_relative_to(installation.folder / ".venv")


def test_an_extra_that_a_page_or_a_hint_names_is_installed_beside_the_wheel(
    installation: Installation,
) -> None:
    """No index has the app: pip takes it from the environment, and gets what the extra needs."""
    texts = [*DOCS.rglob("*.rst"), *(ROOT / "wx_static_store").rglob("*.py")]
    named = {name for path in texts for name in EXTRA.findall(path.read_text("utf-8"))}
    assert {"wx_static_store[celery]", "wx_static_store[deploy]"} <= named
    pip = ("-m", "pip", "install", "--dry-run", "--retries=1", *sorted(named))
    shown = done(installation.python, *pip, cwd=installation.folder)
    (would,) = [line for line in shown.splitlines() if line.startswith("Would install ")]
    assert "celery-" in would
    assert "wx_static_store" not in would.replace("-", "_")


def test_in_an_empty_environment_collectstatic_publishes_once(
    installation: Installation, emulator: EmulatorServer
) -> None:
    """The second run finds the objects of the first, by one call of the list."""
    installation.django(emulator, "migrate", "--verbosity=0")
    installation.django(emulator, "collectstatic", "--noinput")
    assert emulator.objects()["static/a.css"].body == b"body {}"
    published = len(emulator.journal)
    installation.django(emulator, "collectstatic", "--noinput")
    assert [call.name for call in emulator.journal[published:]] == ["staticfilelist"]


def test_in_an_empty_environment_the_emulator_starts(installation: Installation) -> None:
    shown = done(
        installation.python, "-m", "wx_static_store.emulator", "--help", cwd=installation.folder
    )
    assert "POST   /__emulator__/faults" in shown


def test_no_package_that_is_installed_has_a_known_hole(installation: Installation) -> None:
    ci_package("pip_audit")
    (packages,) = installation.folder.glob(".venv/lib/*/site-packages")
    audit = ("-m", "pip_audit", "--progress-spinner=off", "--format=json", "--path", packages)
    told = run(sys.executable, *audit, cwd=installation.folder)
    assert told.stdout, told.stderr[-3000:]
    found = [each for each in json.loads(told.stdout)["dependencies"] if each.get("vulns")]
    assert found == []
    known = [each for each in json.loads(told.stdout)["dependencies"] if "vulns" in each]
    if not known:
        pytest.skip("this package index has no advisories")


# --- what they ask for ------------------------------------------------------------------------


def requirements() -> list[Requirement]:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    texts = [parser["options"]["install_requires"], *parser["options.extras_require"].values()]
    lines = [line for text in texts for line in text.splitlines()]
    named = [line for line in lines if line and not line.startswith(("#", "wx_static_store["))]
    return [Requirement(line) for line in named]


@each("requirement", requirements())
def test_a_requirement_has_a_lower_bound_and_no_upper_one(requirement: Requirement) -> None:
    assert [bound.operator for bound in requirement.specifier] == [">="]


@each("requirement", requirements())
def test_a_lower_bound_is_at_or_above_the_patched_version(requirement: Requirement) -> None:
    """S27, S28."""
    (bound,) = requirement.specifier
    assert Version(bound.version) >= Version(PATCHED.get(requirement.name, "0"))


def test_every_patched_version_is_asked_for() -> None:
    assert {*PATCHED} <= {requirement.name for requirement in requirements()}
