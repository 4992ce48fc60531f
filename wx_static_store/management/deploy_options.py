"""The options of ``wx_deploy``, and which of them belong together."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Self

from ..core.naming import PREVIEWS
from ..i18n import gettext, gettext_lazy as _, listed
from .exits import preview_time, wrong_use

LABELS = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")  # what CI systems call the commit
LIVE, CLOUD = "live", "cloud"  # names in --diff
RELEASES = 20  # that --list shows, beside what is live
LISTS = ("diff", "tag")  # options of several words
_NOT_EMPTY = (
    *("directory", "using", "envs_file", "json", "user", "folder", "rollback", "release"),
    "preview",
)
WITHOUT_TREE = ("list", "diff", "rollback", "repair")  # they publish no tree of this machine
OF_PUBLISHING = ("dry_run", "force", "verify", "stale", "blank_stale", "strict", "wait", "canary")

_FLAGS = {
    "--yes -y --no-input --noinput": _("do not ask"),
    "--dry-run -n": _(
        "only show what would be done; with many environments, --verbosity 2 lists the files"
    ),
    "--force": _("send the unchanged files too"),
    "--verify": _(
        "afterwards compare with the cloud's list, and get the pages from the public site"
    ),
    "--stale": _("afterwards list the files of the cloud that DIR lacks"),
    "--blank-stale": _("overwrite these files with a short text; asks first"),
    "--include-uploads": _("treat files that people uploaded as stale, too"),
    "--trust-log": _(
        "compare with the log alone: an unchanged tree costs no call, but changes by others are "
        "not seen"
    ),
    "--strict": _(
        "stop if a link looks broken, a file changes under a name that pages keep, or WeChat's "
        "quota is too small"
    ),
    "--wait": _("wait for another deploy of the environment to end"),
    "--write-manifest": _("after a roll back of static files, write their old staticfiles.json"),
}
_TEXTS = {
    "--using ALIAS": _(
        "alias in STORAGES (without it: the only store for sites; without DIR: 'staticfiles', or "
        "the store of the release)"
    ),
    "--preview NAME": _(
        "publish DIR for some days at the address of this preview; with --rollback, --repair and "
        "--diff: use this preview"
    ),
    "--json FILE": _("write a report to FILE"),
    "--label TEXT": _(
        "name of this release, such as a commit (default: %(variables)s)",
        variables=", ".join(f"${name}" for name in LABELS),
    ),
    "--user NAME": _("user to name in the log"),
}
_LISTS = {
    "--ignore PATTERN": _(
        "leave out files, as a line of .gitignore does; follows the lines of DIR/.wxignore; "
        "repeatable"
    ),
    "--map PATTERN=VALUE": _(
        'Cache-Control of files, as in "*.html=no-cache"; the first match counts; repeatable'
    ),
}


_COMPARES = _("--repair compares with the cloud: leave --trust-log out.")
_COMPARES_TWO = _("--diff compares two: A with B, or A with DIR.")
_IN_PREVIEWS = _("This PREFIX lies among the previews: publish there with --preview NAME.")
_NEEDS_DIR = _("--preview publishes a DIR: name the folder that your build writes.")
_OF_MODES = _(
    "--prefix belongs to --rollback, --repair and --diff; the folder of a DIR is written after it."
)
_OF_PREVIEW = _("--expires belongs to --preview with a DIR.")
_OF_STALE = _("--include-uploads belongs to --stale or --blank-stale.")
_OWN_FOLDER = _("--preview has a folder of its own: leave PREFIX and --prefix out.")
_PUBLISHES_NOTHING = _("%(mode)s publishes nothing: leave %(options)s out.")
_WHAT_IS_KEPT = _(
    "%(mode)s publishes what the release storage has: leave %(what)s out. A release is "
    "named right after --rollback; to publish a folder, leave %(mode)s out."
)
_WHAT_WAS_DONE = _("--json reports what was done: leave it out beside --dry-run.")


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """What the user wrote; an option that the command does not have keeps its default."""

    verbosity: int = 1
    directory: str | None = None
    prefix: str = ""  # the folder after DIR
    ignore: Sequence[str] = ()
    map: Sequence[str] = ()
    using: str | None = None
    env: Sequence[str] | None = None
    envs_file: str | None = None
    all: bool = False
    tag: Sequence[str] = ()
    list: bool = False
    diff: Sequence[str] = ()
    rollback: str | bool | None = None  # True: to the release before
    repair: bool = False
    release: str | None = None  # of wx_rollout
    folder: str | None = None  # --prefix
    yes: bool = False
    dry_run: bool = False
    force: bool = False
    verify: bool = False
    canary: int = 0
    stale: bool = False
    blank_stale: bool = False
    include_uploads: bool = False
    trust_log: bool = False
    strict: bool = False
    wait: bool = False
    preview: str | None = None
    expires: timedelta | None = None
    write_manifest: bool = False
    json: str | None = None
    label: str | None = None
    user: str | None = None

    @classmethod
    def of_options(cls, options: Mapping[str, Any]) -> Self:
        """Take what argparse has parsed."""
        return cls(**{one.name: options[one.name] for one in fields(cls) if one.name in options})

    def given(self, names: Sequence[str]) -> Sequence[str]:
        """Return those of these options that are given, as they are written."""
        return [option_of(name) for name in names if getattr(self, name)]

    @property
    def publishes_release(self) -> bool:
        """Return whether a kept release is published, and no folder of this machine."""
        return bool(self.rollback) or self.repair

    @property
    def without_tree(self) -> bool:
        """Return whether no folder of this machine is published."""
        return self.list or bool(self.diff) or self.publishes_release

    @property
    def named_release(self) -> str:
        """Return the first release that the line names, or an empty text."""
        if isinstance(self.rollback, str):
            return self.rollback
        words = (LIVE, CLOUD, *filter(os.path.isdir, self.diff[1:]))
        return next((name for name in self.diff if name not in words), "")


def add_tree(parser: ArgumentParser, directory: str) -> None:
    """Add the options that `modes.tree_of` reads."""
    add = parser.add_argument
    add("directory", nargs="?", metavar="DIR", help=directory)
    text = gettext("folder of the site to publish to")
    add("prefix", nargs="?", default="", metavar="PREFIX", help=text)
    for names, text in _LISTS.items():
        name, metavar = names.split()
        add(name, metavar=metavar, action="append", default=[], help=str(text))


def add_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add_tree(parser, gettext("folder to publish (default: STATIC_ROOT)"))
    for names, text in _FLAGS.items():
        add(*names.split(), action="store_true", help=str(text))
    for names, text in _TEXTS.items():
        name, metavar = names.split()
        add(name, metavar=metavar, help=str(text))
    text = gettext("when the preview ends: 12h or 7d from now, at most 30d (7d)")
    add("--expires", type=preview_time, metavar="TIME", help=text)
    _add_modes(parser)
    add_environments(parser)
    text = gettext("publish and verify the first N, go on only if they are right")
    add("--canary", type=int, default=0, metavar="N", help=text)


def _add_modes(parser: ArgumentParser) -> None:
    add = parser.add_mutually_exclusive_group().add_argument
    text = gettext("only list the last %(count)d deployments and what is live")
    add("--list", action="store_true", help=text % {"count": RELEASES})
    text = gettext(
        "publish RELEASE again from the release storage; without RELEASE, the last other one that "
        "ended well. A second roll back returns to the first release: to go further back, name "
        "one. A release is an id of --list, a label, a digest, or the beginning of one of these"
    )
    add("--rollback", nargs="?", const=True, metavar="RELEASE", help=text)
    text = gettext(
        "send again, from the release storage, the files that are missing or differ in the cloud"
    )
    add("--repair", action="store_true", help=text)
    text = gettext(
        "only list how B differs from release A, which may be 'live'. B is a release, a folder or "
        "'cloud'; without B: DIR, or the live release. Exit code 1: the cloud lacks a file of A, "
        "or has another in its place; 2: nothing was compared; else 0"
    )
    add("--diff", nargs="+", default=[], metavar=("A", "B"), help=text)
    text = gettext("folder of the site for --rollback, --repair and --diff (/: the whole store)")
    parser.add_argument("--prefix", dest="folder", metavar="FOLDER", help=text)


def add_environments(parser: ArgumentParser) -> None:
    """Add the options that `modes.environments_of` reads."""
    add = parser.add_mutually_exclusive_group().add_argument
    text = gettext("environments of the platform, in place of the store's own")
    add("--env", nargs="+", action="extend", metavar="ID", help=text)
    add("--envs-file", metavar="FILE", help=gettext("environments from a file, one a line"))
    add("--all", action="store_true", help=gettext("every environment that ENVIRONMENTS offers"))
    text = gettext(
        "add the environments that have these tags in ENVIRONMENTS; of several tags of one SET, "
        "one is enough"
    )
    parser.add_argument(
        "--tag", nargs="+", action="extend", default=[], metavar="SET/TAG", help=text
    )


def check_words(line: CommandLine) -> None:
    """Refuse an empty value, and a folder among environments."""
    # An empty value often is an unset variable of a shell.
    for name in (*_NOT_EMPTY, *LISTS):
        value: Any = getattr(line, name)
        if value == "" or (name in LISTS and "" in value):
            option = {"directory": "DIR", "folder": "--prefix"}.get(name) or option_of(name)
            raise wrong_use(_("%(option)s is empty: is a variable not set?", option=option))
    for option, words in () if line.directory else (("--env", line.env), ("--tag", line.tag)):
        # --env takes all words up to the next option: a DIR behind it, too.
        for word in filter(os.path.isdir, words or ()):
            raise wrong_use(
                _("%(word)s is a folder: write DIR before %(option)s.", word=word, option=option)
            )


def check_line(line: CommandLine) -> None:
    """Refuse misplaced words, and options that do not belong together."""
    check_words(line)
    modes, meant, name = line.given(WITHOUT_TREE), line.given(OF_PUBLISHING), line.preview
    stale, of_release = line.stale or line.blank_stale, line.publishes_release
    asks = line.blank_stale and not (line.yes or line.dry_run or sys.stdin.isatty())
    many = line.all or line.envs_file or line.tag or len(line.env or ()) > 1
    rules = (
        (line.canary < 0, _("--canary takes a number from 0 on.")),
        (line.include_uploads and not stale, _OF_STALE),
        (asks, _("--blank-stale asks a question, and there is no terminal: add --yes.")),
        (line.expires and not (name and line.directory), _OF_PREVIEW),
        (line.prefix.strip("/").startswith(PREVIEWS), _IN_PREVIEWS),
        (name and (line.prefix or line.folder), _OWN_FOLDER),
        (name and not (line.directory or line.without_tree), _NEEDS_DIR),
        (name and many, _("--preview goes to one environment: name it with --env.")),
        (meant and (line.list or line.diff), _PUBLISHES_NOTHING),
        (line.diff and len(line.diff) + bool(line.directory) > 2, _COMPARES_TWO),
        (line.json and line.dry_run, _WHAT_WAS_DONE),
        (of_release and line.directory, _WHAT_IS_KEPT),
        (of_release and (line.ignore or line.map), _("--ignore and --map belong to a DIR.")),
        (line.repair and line.trust_log, _COMPARES),
        (line.write_manifest and not line.rollback, _("--write-manifest belongs to --rollback.")),
        (line.folder and not (line.diff or of_release), _OF_MODES),
    )
    facts = {"mode": "".join(modes[:1]), "options": listed(meant), "what": line.directory}
    for broken, text in rules:
        if broken:
            raise wrong_use(text % facts)


def option_of(name: str) -> str:
    return f"--{name.replace('_', '-')}"
