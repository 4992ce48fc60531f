"""``python -m tests.changed``: print the tests of what changed against main, for ``make check``."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.test_architecture import PACKAGE, imports, known_module, modules

ROOT = PACKAGE.parent
MAIN = "main"
ALWAYS = {"tests/test_architecture.py", "tests/test_reference.py", "tests/test_translations.py"}
MANY = 10  # importers: beyond, their tests are most of the suite, which `make test` runs
# What is no module of the package, by the beginning of its path.
OTHERS = {
    "docs/": "tests/docs/test_command_lines.py",
    "README": "tests/docs/test_readme.py",
    "example_project/": "tests/docs/test_command_lines.py",
    "wx_static_store/static/": "tests/admin",
    "wx_static_store/templates/": "tests/admin",
}


def changed_files(main: str = MAIN) -> list[str]:
    """Return the files that differ from where this branch left main, new ones included."""
    base = _git("merge-base", "HEAD", main)
    return _git("diff", "--name-only", *base) + _git("ls-files", "--others", "--exclude-standard")


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def chosen_tests(files: Iterable[str]) -> list[str]:
    """Return the test modules and folders to run, none of them inside another."""
    names = {str(path.relative_to(ROOT)): module for module, path in modules().items()}
    found = {*ALWAYS}
    for file in files:
        if module := names.get(file):
            found |= {mirrored(file, or_folder=True)}
            using = [*importers(module)]
            folder = str(Path("tests", *Path(file).parts[1:-1]))
            found |= {folder} - {"tests"} if len(using) > MANY else {*map(mirrored, using)}
        elif file.startswith("tests/"):
            found |= {file} if Path(file).name.startswith("test_") else users(file)
        if file.startswith("docs/"):
            found |= {f"tests/docs/test_{Path(file).stem.replace('-', '_')}.py"}
        found |= {tests for start, tests in OTHERS.items() if file.startswith(start)}
    there = {test for test in found if test and (ROOT / test).exists()}
    return sorted(test for test in there if not {*map(str, Path(test).parents)} & there)


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
    """Yield the files that import a module of the package directly."""
    names = modules()
    for name, path in names.items():
        ours = (found for found in imports(name, path) if found.startswith("."))
        if module in {known_module(found, names) for found in ours}:
            yield str(path.relative_to(ROOT))


def users(helper: str) -> set[str]:
    """Return the tests that need a helper: those of its folder, or the modules that name it."""
    folder = Path(helper).parent
    if folder != Path("tests"):
        return {str(folder)}
    name = f"tests.{Path(helper).stem}"
    found = (path for path in (ROOT / "tests").rglob("test_*.py") if name in path.read_text())
    return {str(path.relative_to(ROOT)) for path in found}


if __name__ == "__main__":
    sys.stdout.write("\n".join(chosen_tests(changed_files())) + "\n")
