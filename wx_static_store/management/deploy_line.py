"""The command line of ``wx_deploy``: its options, and what they mean."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils.functional import Promise

from .. import conf
from ..conf.options import MEDIA
from ..conf.settings import nearest
from ..core.naming import header_value
from ..i18n import gettext, gettext_lazy as _
from .exits import WRONG_USE
from .release_list import RELEASES

LABELS = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")  # what CI systems call the commit

_FLAGS = {
    "--yes -y": _("do not ask"),
    "--dry-run -n": _("only show what would be done, file by file"),
    "--force": _("send the unchanged files too"),
    "--verify": _(
        "afterwards compare with the cloud's list, and get the pages from the public site"
    ),
    "--stale": _("afterwards list what is in the cloud and not in DIR"),
    "--blank-stale": _("overwrite that with a short text, as nothing can be deleted; asks first"),
    "--include-uploads": _("take for stale what people uploaded, too"),
    "--trust-log": _(
        "ask the log alone what changed: no call for an unchanged tree, but what others wrote, "
        "or a lost row hides, is not seen (wx_reconcile --fix finds it)"
    ),
    "--strict": _(
        "what looks like a broken link, or a quota of WeChat that is too small, stops the run"
    ),
    "--wait": _("wait for another deploy of the environment to end"),
    "--list": _("the last %(count)d releases, and nothing else", count=RELEASES),
}
_TEXTS = {
    "--using ALIAS": _("alias in STORAGES (default: 'default'; without DIR 'staticfiles')"),
    "--json FILE": _("write a report there"),
    "--label TEXT": _(
        "name of this release, such as a commit (default: %(variables)s)",
        variables=", ".join(f"${name}" for name in LABELS),
    ),
    "--user NAME": _("user to whom the log ascribes it"),
}
_LISTS = {
    "--ignore PATTERN": _(
        "leave out, as a line of .gitignore does, after those of DIR/.wxignore; repeatable"
    ),
    "--map PATTERN=VALUE": _(
        'Cache-Control of files, as in "*.html=no-cache"; the first that fits; repeatable'
    ),
}


def add_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "directory",
        nargs="?",
        metavar="DIR",
        help=gettext("folder to publish (default: STATIC_ROOT)"),
    )
    add(
        "prefix",
        nargs="?",
        default="",
        metavar="PREFIX",
        help=gettext("folder of the site to put it in"),
    )
    for names, text in _FLAGS.items():
        add(*names.split(), action="store_true", help=str(text))
    for names, text in _TEXTS.items():
        name, metavar = names.split()
        add(name, metavar=metavar, help=str(text))
    for names, text in _LISTS.items():
        name, metavar = names.split()
        add(name, metavar=metavar, action="append", default=[], help=str(text))
    _add_environments(parser)


def _add_environments(parser: ArgumentParser) -> None:
    add = parser.add_mutually_exclusive_group().add_argument
    text = gettext("environments of the platform, in place of the store's own")
    add("--env", nargs="+", action="extend", metavar="ID", help=text)
    add("--envs-file", metavar="FILE", help=gettext("the same from a file, one a line"))
    add("--all", action="store_true", help=gettext("every environment that ENVIRONMENTS offers"))
    text = gettext("publish and verify the first N, go on only if they are right")
    parser.add_argument("--canary", type=int, default=0, metavar="N", help=text)


def check_line(options: dict[str, Any]) -> None:
    """Refuse what was not meant: an empty variable of a shell, options in the wrong order."""
    for name in ("directory", "using", "envs_file", "json", "user"):
        if options[name] == "":
            option = "DIR" if name == "directory" else f"--{name.replace('_', '-')}"
            raise _wrong(_("%(option)s is empty: is a variable not set?", option=option))
    if not options["directory"]:
        for env in filter(os.path.isdir, options["env"] or ()):
            text = _("%(env)s is a folder, not an environment: write DIR before --env.", env=env)
            raise _wrong(text)
    about_stale = options["stale"] or options["blank_stale"]
    if options["canary"] < 0:
        raise _wrong(_("--canary takes a number from 0 on."))
    if options["include_uploads"] and not about_stale:
        raise _wrong(_("--include-uploads belongs to --stale or --blank-stale."))
    if options["blank_stale"] and not (options["yes"] or sys.stdin.isatty()):
        raise _wrong(_("--blank-stale asks, and nobody is there: add --yes."))
    if about_stale and conf.options_for(alias_of(options)).kind == MEDIA:
        raise _wrong(
            _(
                "What a media store holds is in no tree, so all of it would be stale: name another "
                "store with --using."
            )
        )


def alias_of(options: dict[str, Any]) -> str:
    """Return the alias that is meant where --using names none."""
    return options["using"] or ("default" if options["directory"] else "staticfiles")


def offered(envs: list[str]) -> list[str]:
    """Return them if the project offers them all; without ENVIRONMENTS, any will do."""
    if not (envs and conf.platform_options().environments):
        return envs
    known = conf.environments()
    for env in envs:
        if env not in known:
            text = _("ENVIRONMENTS does not offer %(env)s.", env=env)
            raise _wrong(f"{text} {nearest(env, [*known])}")
    return envs


def rules(given: Sequence[str]) -> list[tuple[str, str]]:
    found = [tuple(rule.split("=", 1)) for rule in given]
    for rule in found:
        if len(rule) != 2 or not all(rule):
            raise _wrong(
                _(
                    '--map %(rule)s is not PATTERN=VALUE, as in "*.html=no-cache".',
                    rule="=".join(rule),
                )
            )
        header_value(rule[1])
    return [(pattern, value) for pattern, value in found]


def read_lines(path: str) -> list[str]:
    """Read one environment from each line; what follows a # is a comment."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise _wrong(_("%(path)s cannot be read: %(why)s", path=path, why=error)) from None
    return list(dict.fromkeys(filter(None, (line.partition("#")[0].strip() for line in lines))))


def some(envs: Iterable[str], otherwise: str | Promise) -> list[str]:
    if not (found := list(envs)):
        raise _wrong(otherwise)
    return found


def _wrong(text: str | Promise) -> CommandError:
    return CommandError(str(text), returncode=WRONG_USE)
