"""The process of `tests.demo`. It serves the demo, and runs the code of each line that it reads."""

import fcntl
import json
import os
import shutil
import sys
import traceback
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import django

EXAMPLE = Path(__file__).parent.parent / "example_project"
sys.path.insert(0, str(EXAMPLE))

import demo  # noqa: E402 - of the example project

from wx_static_store.emulator import EmulatorServer  # noqa: E402

ANSWERS, sys.stdout = sys.stdout, sys.stderr  # what a command says is no answer


def main(changes: str, build: Path, var: Path) -> None:
    demo.VAR = var
    with Path(f"{build}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first makes what the others wait for
        if build.exists():
            fcntl.flock(lock, fcntl.LOCK_UN)
            shutil.copytree(build, var)
        with EmulatorServer(directory=var / "cloud") as emulator:
            set_up(changes, emulator, var)
            if not build.exists():
                demo.migrate()
            with demo.closing_databases(), demo.served() as site:
                demo.receive_ticket(emulator, site)
                if not build.exists():
                    fill(emulator)
                    # A token is good at the emulator that gave it.
                    shutil.copytree(var, f"{build}-", ignore=shutil.ignore_patterns("cache"))
                    Path(f"{build}-").rename(build)
                    fcntl.flock(lock, fcntl.LOCK_UN)
                control = f"{emulator.api_url}/__emulator__"
                answer({"site": site, "public": emulator.site_url(), "control": control})
                for line in sys.stdin:
                    answer(run(json.loads(line)))


def set_up(changes: str, emulator: EmulatorServer, var: Path) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "example.settings",
        "EMULATOR_API": emulator.api_url,
        "EMULATOR_SITE": emulator.site_url(),
        "EXAMPLE_VAR": str(var),
    }
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    exec(changes, {"settings": settings})
    django.setup()


def fill(emulator: EmulatorServer) -> None:
    demo.collect(emulator)
    demo.save_document(emulator)
    demo.deploy(emulator, verify=True)


def run(code: str) -> dict[str, str]:
    printed, error = StringIO(), ""
    with redirect_stdout(printed):
        try:
            exec(code, {})
        except BaseException:  # noqa: BLE001 - whatever it is, the test tells of it
            error = traceback.format_exc()
    return {"printed": printed.getvalue(), "error": error}


def answer(values: dict[str, str]) -> None:
    ANSWERS.write(json.dumps(values) + "\n")
    ANSWERS.flush()


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
