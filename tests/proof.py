"""
What the suite shows, as one page: ``make proof`` writes it and fails if a figure is off.

Runs the faults, the bad inputs, the kills and the databases of the suite, the sabotage, the token
that many processes share, and the same faults against an upload of forty lines as it is written by
hand. The mutants are as ``make mutants`` left them: it runs for an hour. ``python -m tests.proof
Mutants`` brings that section alone up to date.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from tests import mutants, parts
from tests.faults import report
from tests.sabotage import run as sabotage
from tests.tokens import report as tokens

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "explanation" / "proof.rst"

DATABASES = " ".join(parts.paths(parts.DATABASES))
LONG = {"WX_TEST_SCALE": "1", "WX_SLOW": "1"}
PARTS: dict[str, tuple[str, dict[str, str]]] = {
    "faults": ("tests/faults/test_faults.py", {}),
    "bad inputs": ("tests/faults/test_bad_inputs.py", {}),
    "kills, forks and threads": ("tests/processes", {"WX_SLOW": "1", "WX_ALL_KILLS": "1"}),
    "database: SQLite": (DATABASES, LONG),
    "database: PostgreSQL": (
        DATABASES,
        LONG | {"WX_TEST_DATABASE": "postgresql", "WX_REQUIRE_SERVICES": "1"},
    ),
    "database: MariaDB": (
        DATABASES,
        LONG | {"WX_TEST_DATABASE": "mariadb", "WX_REQUIRE_SERVICES": "1"},
    ),
}

HEAD = """\
=====
Proof
=====

Made by ``make proof``; nothing on this page is written by hand.
"""


def main(wanted: Sequence[str]) -> int:
    sections: dict[str, Callable[[], tuple[list[str], bool]]] = {
        "What was run": run_parts,
        "Faults: this app, and forty lines of requests": compare,
        "One token for all processes": share_token,
        "Sabotage": run_sabotage,
        "Mutants": read_mutants,
    }
    page, failed = PAGE.read_text() if wanted else HEAD, False
    for title in wanted or sections:
        lines, wrong = sections[title]()
        failed |= wrong
        head = f"\n\n{title}\n{'=' * len(title)}\n\n"
        before, _head, rest = page.partition(head)
        after = rest[match.start() :] if (match := re.search(r"\n\n.+\n===", rest)) else ""
        page = before.rstrip("\n") + "\n" + head + "\n".join(lines) + "\n" + after
    PAGE.write_text(page)
    sys.stdout.write(page)
    sys.stdout.write("\nA figure is off.\n" if failed else "\nAll figures are as they should be.\n")
    return int(failed)


def run_parts() -> tuple[list[str], bool]:
    rows, wrong = [("part", "passed", "failed", "skipped")], False
    for name, (tests, environment) in PARTS.items():
        passed, failed, skipped = run_tests(tests.split(), environment)
        wrong |= bool(failed) or not passed
        rows.append((name, str(passed), str(failed), str(skipped)))
    return table(rows), wrong


def run_tests(tests: Sequence[str], environment: dict[str, str]) -> tuple[int, int, int]:
    """Run the tests; return how many passed, failed and were skipped."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", f"--junitxml={result}", *tests],
            cwd=ROOT,
            env=os.environ | environment,
            check=False,
        )
        suite = next(ElementTree.parse(result).getroot().iter("testsuite"))
    count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    return count["tests"] - failed - count["skipped"], failed, count["skipped"]


def compare() -> tuple[list[str], bool]:
    rows = report.table()
    ours = dict(zip(rows[0], rows[1], strict=True))
    wrong = ours["survived"] != ours["of"]
    wrong |= any(ours[name] != "0" for name in rows[0] if name not in ("upload", "survived", "of"))
    return table(rows), wrong


def share_token() -> tuple[list[str], bool]:
    rows, wrong = tokens.table()
    return [*table(rows), "", tokens.LEGEND], wrong


def run_sabotage() -> tuple[list[str], bool]:
    """Return how many damages were caught, and those that were not."""
    results = sabotage.run_all()
    missed = [(name, result) for _rule, name, _red, result in results if result != sabotage.CAUGHT]
    line = (
        f"``tests/sabotage/patches.py`` damages {len(results)} rules of the app, each in a copy. "
        f"{len(results) - len(missed)} of them turned the test of the rule red."
    )
    rest = ["", *table([("sabotage", "result"), *missed])] if missed else []
    return [line, *rest], bool(missed)


def read_mutants() -> tuple[list[str], bool]:
    """Return the sums of the kept scores and of what `make mutants` measured to the end."""
    found = mutants.scores()
    for module in mutants.modules():
        if (codes := mutants.records(module)) and None not in codes:
            found[module] = mutants.count(codes)
    mutants.keep(found)
    missing = [module for module in mutants.modules() if module not in found]
    _head, *rows = mutants.table(mutants.by_folder(found))
    texts = [("folder", *mutants.HEAD[1:]), *(tuple(map(str, row)) for row in rows)]
    legend = (
        "*score*: killed, in percent. A mutant that changes nothing visible is not killed. mutmut "
        "cannot follow "
        f"{' and '.join(f'``{module}``' for module in sorted(mutants.NOT_DAMAGED))}."
    )
    wrong = bool(missing) or rows[-1][-1] < mutants.WANTED
    modules = len(mutants.modules())
    note = ["", f"Not measured to the end: {len(missing)} of {modules} modules."] if missing else []
    return [*table(texts), "", legend, *note], wrong


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Format the rows as a simple table of reStructuredText, the first row as its head."""
    return list(_lines(rows))


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    rule = "  ".join("=" * width for width in widths)
    yield rule
    for number, row in enumerate(rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if number == 0:
            yield rule
    yield rule


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
