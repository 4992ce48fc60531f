"""A fresh Django project, into which the blocks of a page are pasted."""

import contextlib
import functools
import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import requests
from django.core.management import call_command

from tests.docs.blocks import DOCS, ROOT, Block, blocks, matches
from wx_static_store.emulator import EmulatorServer

PATIENCE = 60.0  # seconds for anything that must come; nothing takes so long
SETTINGS = """
INSTALLED_APPS += ["wx_static_store"]
STORAGES = {{
    "default": {{
        "BACKEND": "wx_static_store.storage.WxStorage",
        "OPTIONS": {{"location": "media", "base_url": "{site}"}},
    }},
    "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
}}
WX_STATIC_STORE = {{"ENV": "{env}", "ACCESS_TOKEN": "{token}", "API_BASE_URL": "{api}"}}
"""


def block(page: str, wanted: str) -> Block:
    """Return the block of a page, such as ``howto/tokens``, with this name or this caption."""
    found = [one for one in blocks(DOCS / f"{page}.rst") if wanted in (one.name, one.caption)]
    assert len(found) == 1, f"docs/{page}.rst has {len(found)} blocks {wanted!r}"
    return found[0]


def typed(block: Block) -> str:
    """Return what a reader types of a console block, as a script."""
    return "\n".join(command for command, _printed in block.commands)


@functools.cache
def empty_database() -> bytes:
    """Return the tables of a project with all apps, made once: `migrate` takes a second."""
    with TemporaryDirectory() as folder:
        project = FreshProject(Path(folder))
        apps = ["wx_static_store", "wx_static_store.health", "wx_static_store.rollouts"]
        project.append("config/settings.py", f"INSTALLED_APPS += {apps}")
        project.run("python manage.py migrate")
        return (project.folder / "db.sqlite3").read_bytes()


class FreshProject:
    """What ``django-admin startproject config .`` makes in an empty folder."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.environment = folder, environment
        folder.mkdir(exist_ok=True)
        call_command("startproject", "config", str(folder))

    @classmethod
    def with_site(cls, folder: Path, cloud: EmulatorServer) -> Self:
        """Return a project with the alias `site` of ``howto/deploy``, in the emulator."""
        project = cls(folder)
        project.use(cloud)
        address = {"https://www.example.com": cloud.site_url()}
        project.follow(block("howto/deploy", "config/settings.py"), address)
        return project

    def paste(self, block: Block, into: str = "") -> None:
        """Append the block to a file, by default to that of its caption."""
        self.append(into or block.caption, block.text)

    def append(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n\n{text}" if file.tell() else text)

    def add_api(self) -> None:
        """Do what a step of the tutorial says: the address of the API, and its framework."""
        for each in blocks(DOCS / "tutorial.rst"):
            if "wx_static_store.api.urls" in each.text:
                (self.folder / each.caption).write_text(each.text, "utf-8")
            elif '"rest_framework"' in each.text:
                self.paste(each)

    def use(self, cloud: EmulatorServer) -> None:
        """Let the project write to the emulator, and give it its tables."""
        env, token = next(iter(cloud.state.environments)), cloud.access_token
        values = {"env": env, "token": token, "api": cloud.api_url, "site": cloud.site_url()}
        self.append("config/settings.py", SETTINGS.format(**values))
        (self.folder / "db.sqlite3").write_bytes(empty_database())

    def add_command(self, name: str, text: str) -> None:
        """Let a script stand for a program, before all others of its name."""
        self.append(f"bin/{name}", text)
        (self.folder / "bin" / name).chmod(0o755)

    def follow(self, block: Block, replaced: Mapping[str, str] = {}) -> None:
        """Do what a reader does with a block; a command must print what the page shows."""

        def replace(text: str) -> str:
            for old, new in replaced.items():
                text = text.replace(old, new)
            return text

        if block.caption:
            self.append(block.caption, replace(block.text))
        elif block.language == "console":
            for command, shown in block.commands:
                if command.startswith("pip install "):  # tests run where that has been done
                    continue
                exports = command.startswith("export ")
                printed = (self.export if exports else self.run)(replace(command))
                assert matches(shown, printed), f"line {block.line}: {command}\n{printed}"

    def export(self, command: str) -> str:
        """Set the variable for all later commands; this prints nothing."""
        name = command.removeprefix("export ").partition("=")[0]
        self.environment[name] = self.run(f'{command}\nprintf %s "${name}"')
        return ""

    def variables(self) -> dict[str, str]:
        """Return the environment of a command; ``python`` is the one that runs the tests."""
        folders = [str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        modules = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])  # in each venv, too
        own = {"PATH": os.pathsep.join(folders), "PYTHONPATH": modules, "PYTHONWARNINGS": "error"}
        known = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "WX_"))}
        return {**known, **own, **self.environment}

    def run(self, script: str) -> str:
        """Run the script, which must succeed, and return what it printed."""
        code, printed = self.try_to_run(script)
        assert code == 0, f"{script}\n{printed}"
        return printed

    def try_to_run(self, script: str, more: Mapping[str, str] = {}) -> tuple[int, str]:
        """Run the script by ``bash -e``; return its exit code and what it printed."""
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=self.folder,
            env={**self.variables(), **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """Serve the project until the block ends; give its address once it has loaded all."""
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--threads", "4"]
            command += ["--bind", f"fd://{listener.fileno()}", "config.wsgi"]
            with (self.folder / "server.txt").open("wb") as output:
                process = subprocess.Popen(
                    command,
                    cwd=self.folder,
                    env=self.variables(),
                    pass_fds=[listener.fileno()],
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            try:
                address = "http://{}:{}".format(*listener.getsockname())
                requests.get(address, timeout=PATIENCE)
                yield address
            finally:
                process.terminate()
                process.wait(PATIENCE)
