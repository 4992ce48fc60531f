"""The command line of ``wx_deploy``: its options, and what their texts mean."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from .. import conf
from ..naming import header_value
from ..options import MEDIA
from .exits import WRONG_USE

LABELS = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")  # what CI systems call the commit
RELEASES = 20

_ENV_VARIABLES = ", ".join(f"${name}" for name in LABELS)

_FLAGS = {
    "--yes -y": "do not ask",
    "--dry-run -n": "only tell what would be done, file by file",
    "--force": "send the unchanged files too",
    "--verify": "afterwards compare with the cloud's list, and get the pages from the public site",
    "--stale": "afterwards list what is in the cloud and not in DIR",
    "--blank-stale": "overwrite that with a short text, as nothing can be deleted; asks first",
    "--strict": "what looks like a broken link stops the run",
    "--wait": "wait for another deploy of the environment to end",
    "--list": f"the last {RELEASES} releases, and nothing else",
}
_TEXTS = {
    "--using ALIAS": "alias in STORAGES (default: 'default'; without DIR 'staticfiles')",
    "--json FILE": "write a report there",
    "--label TEXT": f"name of this release, such as a commit (default: {_ENV_VARIABLES})",
    "--user NAME": "user to whom the log ascribes it",
}
_LISTS = {
    "--ignore PATTERN": "leave out, as a line of .gitignore does, after those of DIR/.wxignore",
    "--map PATTERN=VALUE": 'Cache-Control of files, as in "*.html=no-cache"; the first that fits',
}


def add_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("directory", nargs="?", metavar="DIR", help="folder to publish (default: STATIC_ROOT)")
    add("prefix", nargs="?", default="", metavar="PREFIX", help="folder of the site to put it in")
    for names, text in _FLAGS.items():
        add(*names.split(), action="store_true", help=text)
    for names, text in _TEXTS.items():
        name, metavar = names.split()
        add(name, metavar=metavar, help=text)
    for names, text in _LISTS.items():
        name, metavar = names.split()
        add(name, metavar=metavar, action="append", default=[], help=f"{text}; repeatable")
    _add_environments(parser)


def _add_environments(parser: ArgumentParser) -> None:
    add = parser.add_mutually_exclusive_group().add_argument
    text = "environments of the platform, in place of the store's own"
    add("--env", nargs="+", action="extend", metavar="ID", help=text)
    add("--envs-file", metavar="FILE", help="the same from a file, one a line")
    add("--all", action="store_true", help="every environment that ENVIRONMENTS offers")
    text = "publish and verify the first N, go on only if they are right"
    parser.add_argument("--canary", type=int, default=0, metavar="N", help=text)


def check_line(options: dict[str, Any]) -> None:
    """What was certainly not meant: an empty variable of a shell, options in the wrong order."""
    for name in ("directory", "using", "envs_file", "json", "user"):
        if options[name] == "":
            shown = "DIR" if name == "directory" else f"--{name.replace('_', '-')}"
            raise CommandError(f"{shown} is empty: is a variable not set?", returncode=WRONG_USE)
    if not options["directory"]:
        for env in filter(os.path.isdir, options["env"] or ()):
            raise CommandError(
                f"{env} is a folder, not an environment: write DIR before --env.",
                returncode=WRONG_USE,
            )
    if options["canary"] < 0:
        raise CommandError("--canary takes a number from 0 on.", returncode=WRONG_USE)
    if options["blank_stale"] and not (options["yes"] or sys.stdin.isatty()):
        raise CommandError(
            "--blank-stale asks, and nobody is there: add --yes.", returncode=WRONG_USE
        )
    about_stale = options["stale"] or options["blank_stale"]
    if about_stale and conf.options_for(alias_of(options)).kind == MEDIA:
        raise CommandError(
            "What a media store holds is in no tree, so all of it would be stale: name another "
            "store with --using.",
            returncode=WRONG_USE,
        )


def alias_of(options: dict[str, Any]) -> str:
    """The alias that is meant where --using names none."""
    return options["using"] or ("default" if options["directory"] else "staticfiles")


def offered(envs: list[str]) -> list[str]:
    """The same, if the project offers them all; where it has no ENVIRONMENTS, any will do."""
    if not (envs and conf.platform_options().environments):
        return envs
    known = conf.environments()
    for env in envs:
        if env not in known:
            near = get_close_matches(env, known, 1, 0.6)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise CommandError(f"ENVIRONMENTS does not offer {env}.{hint}", returncode=WRONG_USE)
    return envs


def rules(given: Sequence[str]) -> list[tuple[str, str]]:
    found = [tuple(rule.split("=", 1)) for rule in given]
    for rule in found:
        if len(rule) != 2 or not all(rule):
            raise CommandError(
                f'--map {"=".join(rule)} is not PATTERN=VALUE, as in "*.html=no-cache".',
                returncode=WRONG_USE,
            )
        header_value(rule[1])
    return [(pattern, value) for pattern, value in found]


def read_lines(path: str) -> list[str]:
    """One environment a line; what follows a # is a remark."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}", returncode=WRONG_USE) from None
    return list(dict.fromkeys(filter(None, (line.partition("#")[0].strip() for line in lines))))


def some(envs: Iterable[str], otherwise: str) -> list[str]:
    if not (found := list(envs)):
        raise CommandError(otherwise, returncode=WRONG_USE)
    return found
