"""
One front end for forty tenants, on an emulator of WeChat that runs in this process.

Two workers of Celery bring a first release to all, then a second one in waves. One tenant is
broken: the rollout stops there. When that is mended it goes on, and at last all tenants get the
first release back. Each time every tenant's public page is read and compared.
Exit code 0 only if all of it worked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import requests
from demo import (
    APP,
    DIST,
    HERE,
    DemoFailed,
    closing_databases,
    first_push,
    say,
    served,
    title,
)
from django.core.management import CommandError, call_command
from django.urls import reverse

from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError

VAR = HERE / "var" / "rollout"  # made anew each time
TENANTS = [f"tea-house-{number:03}" for number in range(40)]
BROKEN, SLOW = TENANTS[7], TENANTS[2]
WORKERS = 2
PAGE = "index.html"
NEWS = b"<!-- the second release -->\n"


def main() -> int:
    try:
        with EmulatorServer(envs=TENANTS) as emulator:
            prepare(emulator)
            with closing_databases(), served() as site:
                emulator.push_to(site + reverse("wx_static_store_callback:receive"))
                first_push(emulator)
                with workers():
                    tell(emulator)
    except KeyboardInterrupt:
        say("", "Interrupted.")
        return 130
    except (CommandError, DemoFailed, WxStaticStoreError) as error:
        say("", f"FAILED: {error}")
        return 1
    return 0


def prepare(emulator: EmulatorServer) -> None:
    """Point the settings at the emulator; an empty database, and two builds of the front end."""
    title("Forty tenants")
    os.environ.pop("WX_ENV", "")
    os.environ |= {
        "EMULATOR_API": emulator.api_url,
        "EMULATOR_SITE": emulator.site_url(),
        "EXAMPLE_VAR": str(VAR),
        "TENANTS": str(len(TENANTS)),
        "DJANGO_SETTINGS_MODULE": "example.settings",
    }
    shutil.rmtree(VAR, ignore_errors=True)
    django.setup()
    call_command("migrate", verbosity=0)
    for name in ("first", "second"):
        shutil.copytree(DIST, VAR / name)
    page = VAR / "second" / PAGE
    page.write_bytes(page.read_bytes() + NEWS)
    say(f"In place of WeChat     {emulator.api_url}")
    say(f"The tenants            {TENANTS[0]} to {TENANTS[-1]}, each with a site of its own")


def tell(emulator: EmulatorServer) -> None:
    title("The first release, for all at once")
    rollout(
        "start", VAR / "first", APP, "--label", "first", "--waves", "100%", "--tolerate", "100%"
    )
    compare(emulator, "first", TENANTS)

    title("The second release, in waves; one tenant is broken, and one is slow")
    emulator.script(
        {"on": "staticuploadfile", "do": "errcode", "errcode": 85088, "env": BROKEN, "times": None},
        {"on": "put_object", "do": "delay", "seconds": 1.0, "env": SLOW, "times": None},
    )
    number = stopped(VAR / "second", APP, "--label", "second")
    done = TENANTS[: TENANTS.index(BROKEN)]
    compare(emulator, "second", done)
    compare(emulator, "first", [env for env in TENANTS if env not in done])
    say("So nobody after the broken one got a release that may be bad.")

    title("The broken one is mended")
    emulator.state.script.clear()
    rollout("retry-failed", number)
    compare(emulator, "second", TENANTS)

    title("All of them back to the first release")
    rollout("rollback", number)
    compare(emulator, "first", TENANTS)


def rollout(*words: object) -> None:
    """Run ``wx_rollout`` until it is over, and print how it goes."""
    started = time.monotonic()
    more = ["--all", "--using", "site"] if words[0] == "start" else []
    shown = [str(word.relative_to(HERE)) if isinstance(word, Path) else str(word) for word in words]
    say(f"$ python manage.py wx_rollout {' '.join([*shown, *more])} --watch")
    try:
        call_command("wx_rollout", *map(str, words), *more, "--watch", stderr=sys.stdout)
    finally:
        say(f"This took {time.monotonic() - started:.0f} s.")


def stopped(*words: object) -> int:
    """Start a rollout that must stop; return its number."""
    from wx_static_store.rollouts.models import Rollout

    try:
        rollout("start", *words)
    except CommandError:
        found = Rollout.objects.get(label=words[-1])
        if found.state == Rollout.State.STOPPED:
            return found.pk
    raise DemoFailed("the rollout did not stop at the broken tenant")


def compare(emulator: EmulatorServer, release: str, tenants: list[str]) -> None:
    """Read the public page of each tenant; all must have this release."""
    wanted = (VAR / release / PAGE).read_bytes()
    found = Counter(public(emulator, env) == wanted for env in tenants)
    if found[False]:
        raise DemoFailed(f"{found[False]} of {len(tenants)} pages are not of the {release} release")
    say(f"Read and compared: {len(tenants)} public pages have the {release} release.")


def public(emulator: EmulatorServer, env: str) -> bytes:
    return requests.get(f"{emulator.site_url(env)}/{APP}{PAGE}", timeout=10).content


@contextmanager
def workers() -> Iterator[None]:
    """Start workers as a project would, each a process of its own; their lines go to files."""
    command = [sys.executable, "-m", "celery", "--app", "example", "worker"]
    command += ["--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    running: list[subprocess.Popen[Any]] = []
    try:
        for number in range(WORKERS):
            name = ["--hostname", f"worker-{number}@laptop"]
            with (VAR / f"worker-{number}.log").open("wb") as log:
                popen = subprocess.Popen([*command, *name], cwd=HERE, stdout=log, stderr=log)  # noqa: S603
            running.append(popen)
        say(f"Workers of Celery      {WORKERS} processes; what they print is in {VAR}")
        yield
    finally:
        for worker in running:
            worker.terminate()
        for worker in running:
            worker.wait(30)


if __name__ == "__main__":
    sys.exit(main())
