"""
``python -m tests.changed``: run the tests of what changed against main, for ``make check``.

The nearest come first, as many as fit into a minute on two cores. The last line says what was left
out.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.test_architecture import PACKAGE, graph, modules

ROOT = PACKAGE.parent
MAIN = "main"
# Rules of the whole package, and the tables of the docs: a few seconds.
ALWAYS = {
    *(
        f"tests/test_{name}.py"
        for name in ("architecture", "contributing", "reference", "translations")
    ),
    *(
        f"tests/docs/test_{name}.py"
        for name in ("catalogues", "command_lines", "glossary", "reference_pages", "rest_api")
    ),
    "tests/docs/test_troubleshooting.py",
}
MANY = 10  # importers: beyond, the tests of the module's own folder stand for theirs
NEAR = 1000  # points of a changed module's own tests
MOST = 500  # test functions: about a minute
# What is no module of the package, by the beginning of its path.
OTHERS = {
    "README": "tests/docs/test_readme.py",
    "automation/": "tests/automation",
    "docs/SKILL.md": "tests/docs/test_skill.py",
    "tests/consumer/": "tests/test_types.py",
    "wx_static_store/static/": "tests/admin",
    "wx_static_store/templates/": "tests/admin",
    "wx_static_store/rollouts/static/": "tests/rollouts/admin",
    "wx_static_store/rollouts/templates/": "tests/rollouts/admin",
    "wx_static_store/health/static/": "tests/health/admin",
    "wx_static_store/health/templates/": "tests/health/admin",
    "wx_static_store/conf/options/": "tests/conf",
    "wx_static_store/health/doctor/": "tests/health/doctor/test_faults.py",
    "wx_static_store/emulator/": "tests/emulator/test_language.py",
    # Each is tested by a second module.
    "wx_static_store/api/base.py": "tests/api/test_guard.py",
    "wx_static_store/api/views.py": "tests/api/test_answers.py",
    "wx_static_store/callback/views.py": "tests/callback/test_accounts.py",
    "wx_static_store/core/pushes.py": "tests/callback/test_refusals.py",
    "wx_static_store/models/uploads.py": "tests/admin/test_uploads.py",
    "wx_static_store/models/": "tests/core/test_types.py",
}


def changed_files(main: str = MAIN) -> list[str]:
    """Return the files that differ from where this branch left main, new ones included."""
    known = ("for-each-ref", f"refs/heads/{main}", f"refs/remotes/origin/{main}")  # in this order
    if not (refs := _git(*known, "--format=%(refname)")):
        sys.exit(
            f"There is neither {main} nor origin/{main} to compare with: git fetch origin {main}"
        )
    base = _git("merge-base", "HEAD", refs[0])
    return _git("diff", "--name-only", *base) + _git("ls-files", "--others", "--exclude-standard")


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def chosen_tests(files: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the test modules to run after a change, and those that are left out."""
    nearness: Counter[str] = Counter()
    for file in files:
        for points, tests in candidates(file):
            nearness.update(dict.fromkeys(modules_in(tests), points))
    chosen, left_out, number = [*ALWAYS], [], 0
    for test in sorted({*nearness} - ALWAYS, key=lambda test: (-nearness[test], count_tests(test))):
        number += count_tests(test)
        (chosen if number <= MOST else left_out).append(test)
    return sorted(chosen), sorted(left_out)


def candidates(file: str) -> Iterator[tuple[int, str]]:
    """Yield test modules and folders that a changed file may break; the nearest get most points."""
    names = {str(path.relative_to(ROOT)): module for module, path in modules().items()}
    if module := names.get(file):
        yield NEAR, mirrored(file, or_folder=True)
        using = [*importers(module)]
        if len(using) > MANY and (folder := Path(file).parts[1:-1]):
            yield 1, str(Path("tests", *folder))
        yield from ((1, mirrored(other)) for other in using)
    elif file.startswith("tests/"):
        is_test = Path(file).name.startswith("test_")
        yield from ((NEAR, file),) if is_test else ((1, test) for test in users(file))
    elif file.startswith("docs/"):
        yield NEAR, f"tests/docs/test_{Path(file).stem.replace('-', '_')}.py"
    yield from ((NEAR, tests) for start, tests in OTHERS.items() if file.startswith(start))


def modules_in(tests: str) -> list[str]:
    """Return the modules of a folder, or the module itself, if it exists."""
    path = ROOT / tests
    found = path.rglob("test_*.py") if path.is_dir() else [path]
    return [str(each.relative_to(ROOT)) for each in found if tests and each.is_file()]


def count_tests(test: str) -> int:
    return len(re.findall(r"^def test_", (ROOT / test).read_text(), re.MULTILINE))


def mirrored(file: str, *, or_folder: bool = False) -> str:
    """Return the test module of a module; a command's is not in a folder of its own."""
    path = Path(file)
    for folder in path.parents:
        place = Path("tests", *folder.parts[1:])
        test = place / f"test_{path.stem}.py"
        if (ROOT / test).exists():
            return str(test)
        if or_folder and place != Path("tests") and (ROOT / place).is_dir():
            return str(place)
    return ""


def importers(module: str) -> Iterator[str]:
    """Yield the files that import a module of the package directly, or its tables by `models`."""
    paths = modules()
    is_table = module.startswith("models.")
    wanted = {module, "models"} if is_table else {module}
    names = re.findall(r"^class (\w+)", paths[module].read_text(), re.MULTILINE)
    named = re.compile(rf"\b({'|'.join(names)})\b" if is_table and names else "")
    using = {
        name.removeprefix(f"{PACKAGE.name}.")
        for imported in wanted
        for name in graph().find_modules_that_directly_import(f"{PACKAGE.name}.{imported}")
    }
    for name in sorted(using & {*paths}):
        if named.search(paths[name].read_text()):
            yield str(paths[name].relative_to(ROOT))


def users(helper: str) -> set[str]:
    """Return the tests that need a helper: those of its folder, or the modules that name it."""
    folder = Path(helper).parent
    if folder != Path("tests"):
        return {str(folder)}
    name = f"tests.{Path(helper).stem}"
    found = (path for path in (ROOT / "tests").rglob("test_*.py") if name in path.read_text())
    return {str(path.relative_to(ROOT)) for path in found}


def main() -> int:
    chosen, left_out = chosen_tests(changed_files())
    command = [sys.executable, "-m", "pytest", "-n", "auto", "-rfE", *chosen]
    code = subprocess.run(command, cwd=ROOT)
    if left_out:
        folders = Counter(Path(*Path(test).parts[:2]).with_suffix("").name for test in left_out)
        places = ", ".join(f"{number} of {name}" for name, number in folders.most_common(5))
        sys.stdout.write(f"Left out: {len(left_out)} test modules ({places} …): run make test.\n")
    return code.returncode


if __name__ == "__main__":
    sys.exit(main())
