"""
``python -m tests.nightly [PART]``: what takes too long for each run of CI, in eleven parts.

A person runs all of them before something is called finished. A run of CI takes the part that the
hash of its commit names. A part has about 80 seconds on two cores.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]

# django-filer and others allow no newer Django.
OTHERS = 'make test VENV=.venv-others EXTRAS=dev,compat,observers EXTRA="Django~=5.2.0 ${EXTRA:-}"'
RANDOM = """TESTS="$(grep --recursive --files-with-matches --include='test_*.py' \\
    'WX_ALL_EXAMPLES\\|@given\\|@examples\\|settings=examples' tests | tr '\\n' ' ')" """
CLICKS = 'TESTS="tests/browser/test_themes.py -k answers_a_click"'
# A machine may have no Python 3.14 of its own.
NEWEST = (
    'make test VENV=.venv-3.14 PYTHON="$(.ci/python3.14)" EXTRA="Django~=6.1.0 ${EXTRA:-}" '
    f'TESTS="$({sys.executable} -m tests.parts VERSIONS)"'
)
PREVIEWS = "TESTS=tests/browser/test_previews.py"
PARTS = {
    "Python 3.14, Django 6.1": (NEWEST,),
    "each point of a run under each signal": (
        "WX_SLOW=1 WX_ALL_KILLS=1 make test TESTS=tests/processes",
    ),
    "five times the random examples": (
        f"WX_ALL_EXAMPLES=1 WX_REQUIRE_SCHEMATHESIS=1 make test EXTRAS=ci {RANDOM}",
    ),
    "a soak of two seeds": ("make soak SEED=1 FOR=40", "make soak SEED=2 FOR=40"),
    "killed deploys": ("make soak-deploy RUNS=160",),
    "deploys and prunes at once": ("make soak-prune ROUNDS=120",),
    "one token for all processes, on Redis and Memcached; each button, a preview, at both widths": (
        "WX_REQUIRE_SERVICES=1 make test ARGS=tests/tokens",
        f"WX_ALL_WIDTHS=1 WX_REQUIRE_BROWSER=1 make test EXTRAS=ci {CLICKS}",
        f"WX_REQUIRE_BROWSER=1 make test EXTRAS=ci {PREVIEWS}",
    ),
    "packages that keep media, and random pushes": (
        f'{OTHERS} ARGS="tests/compat --ds=tests.compat.settings"',
        "make fuzz FOR=20",
    ),
    "what watches a project": (f"WX_REQUIRE_OBSERVERS=1 {OTHERS} ARGS=tests/observers",),
    "sabotage": ("make sabotage",),
    "mutants": ("make mutants SAMPLE=1",),
}


def chosen(part: str) -> list[str]:
    """Return the names of the parts: all, or the one of a number or of a commit's hash."""
    names = [*PARTS]
    numbers = {str(number): [name] for number, name in enumerate(names, 1)} | {"": names}
    return numbers.get(part) or [names[int(part, 16) % len(names)]]


def main(arguments: Sequence[str]) -> int:
    lines, failed = [], False
    for name in chosen(*arguments[:1] or [""]):
        title = f"nightly {[*PARTS].index(name) + 1} of {len(PARTS)}: {name}"
        sys.stdout.write(f"\n=== {title}\n")
        sys.stdout.flush()
        started = time.monotonic()
        runs = [subprocess.run(["bash", "-ec", command], cwd=ROOT) for command in PARTS[name]]
        is_red = any(run.returncode for run in runs)
        failed |= is_red
        seconds = time.monotonic() - started
        lines.append(f"{seconds:5.0f} s  {title}{' FAILED' if is_red else ''}\n")
    sys.stdout.writelines(["\n", *lines])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
