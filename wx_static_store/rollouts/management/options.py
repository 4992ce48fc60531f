"""The options of ``wx_rollout``, by action, and what they say of a start."""

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ...i18n import gettext, gettext_lazy as _
from ...management import modes
from ...management.deploy_options import CommandLine, add_environments, add_tree, check_words
from ...management.exits import number_between, wrong_use
from ...releases import payload
from ..lifecycle import GOING_BACK, Manner, of_release
from ..models import LARGEST, LONGEST
from ..waves import DEFAULT

_HELP = {
    "start": _("bring a release to many environments, in waves"),
    "status": _("how far a rollout is, and why environments failed"),
    "list": _("the last rollouts"),
    "pause": _("begin no other environment; running ones finish"),
    "resume": _("go on with a rollout that was paused or stopped"),
    "stop": _("end a rollout; running environments finish, waiting ones are left alone"),
    "retry-failed": _("try the failed environments again, then go on with the rest"),
    "rollback": _("stop a rollout, and bring back what each environment had before"),
}


def add_arguments(parser: CommandParser) -> None:
    parts = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    # The options that every command has, for the end of the line, after ACTION.
    of_django = BaseCommand().create_parser("manage.py", "wx_rollout", add_help=False)
    for option in of_django._actions:
        option.default = SUPPRESS  # a default would replace what stands before ACTION
    how: dict[str, Any] = {"parents": [of_django]}
    for action, purpose in _HELP.items():
        how |= {"help": str(purpose), "description": str(purpose)}
        part = parts.add_parser(action, formatter_class=parser.formatter_class, **how)
        if action not in ("start", "list"):
            part.add_argument("id", type=int, metavar="ID", help=gettext("number of the rollout"))
        if action in _ADD:
            _ADD[action](part)
        part.add_argument("--json", metavar="FILE", help=gettext("write a report to FILE"))
        if action != "list":
            text = gettext("show the progress until it is over; Ctrl-C leaves it running")
            part.add_argument("--watch", action="store_true", help=text)
            text = gettext("wait until it is over")
            part.add_argument("--wait", action="store_true", help=text)


def _add_start(part: ArgumentParser) -> None:
    add_tree(part, gettext("folder to publish"))
    add = part.add_argument
    add(
        "--release",
        metavar="RELEASE",
        help=gettext("a kept release in place of DIR: an id of wx_deploy --list, label or digest"),
    )
    add("--using", metavar="ALIAS", help=gettext("alias in STORAGES"))
    text = gettext("with --release, the folder of the site (default: that of the release)")
    add("--prefix", dest="folder", metavar="FOLDER", help=text)
    add_environments(part)
    _add_manner(part, DEFAULT, "0")


def _add_manner(part: ArgumentParser, waves: str, tolerate: str) -> None:
    add, count = part.add_argument, number_between(0, LARGEST)
    text = gettext(
        "how many environments have the release after each wave, as numbers or percentages "
        "(default: %(default)s)"
    )
    help_text = text.replace("P%", "P%%")
    add("--waves", type=_text, default=waves, metavar="N,P%,100%", help=help_text)
    text = gettext(
        "how many environments may fail, as a number or a percentage. With N, at most N + 1 "
        "environments run at once (default: %(default)s)"
    )
    add("--tolerate", type=_text, default=tolerate, metavar="N|P%", help=text)
    text = gettext("run at most this many environments at once (without: 32)")
    add("--max-parallel", type=count, default=0, metavar="N", help=text)
    text = gettext("after each deploy compare with the cloud's list, and get the pages")
    add("--verify", action="store_true", help=text)
    text = gettext("wait this long after each wave before the next one begins")
    add("--bake", type=count, default=0, metavar="SECONDS", help=text)
    text = gettext("begin then, as in 2026-12-24T02:00 (time zone of the settings)")
    add("--deploy-at", type=_time, metavar="TIME", help=text)
    text = gettext("name of the rollout")
    add("--label", type=_text, default="", metavar="TEXT", help=text)
    text = gettext("user for whom it runs; needs the permission to deploy")
    add("--user", metavar="NAME", help=text)


_ADD: dict[str, Callable[[ArgumentParser], None]] = {
    "start": _add_start,
    "rollback": lambda part: _add_manner(part, GOING_BACK["waves"], GOING_BACK["tolerate"]),
}


def check_options(action: str, line: CommandLine) -> None:
    """Refuse options that would have no effect: empty values, options of the other source."""
    check_words(line)
    if action != "start":
        return
    tree = line.directory or line.prefix
    if line.release and tree:
        text = _(
            "--release brings a kept release: leave %(what)s out. Its folder of the site is named "
            "by --prefix.",
            what=tree,
        )
        raise wrong_use(text)
    if line.release and (line.ignore or line.map):
        raise wrong_use(_("--ignore and --map belong to a DIR."))
    if line.folder and not line.release:
        text = _(
            "--prefix belongs to --release: write the folder of the site after DIR, as in "
            "start %(directory)s %(folder)s.",
            directory=line.directory or "DIR",
            folder=line.folder,
        )
        raise wrong_use(text)


def _text(text: str) -> str:
    if len(text) > LONGEST:
        wrong = gettext("%(length)d characters are too many: write at most %(most)d")
        raise ArgumentTypeError(wrong % {"length": len(text), "most": LONGEST})
    return text


def _time(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        wrong = gettext("%(text)r is no time such as 2026-12-24T02:00") % {"text": text}
        raise ArgumentTypeError(wrong)
    when = found if timezone.is_aware(found) else timezone.make_aware(found)
    if when < timezone.now():
        over = gettext("%(text)r is over: leave it out to begin now") % {"text": text}
        raise ArgumentTypeError(over)
    return when


def payload_of(line: CommandLine) -> payload.Payload:
    """Return the named release, or one made of the folder, and where it goes."""
    envs = [env for env in modes.environments_of(line) if env]
    if not envs:
        raise wrong_use(_("Which environments? Name them with --env, --envs-file, --all or --tag."))
    if bool(line.directory) == bool(line.release):
        raise wrong_use(_("Name what is brought to them: a folder, or --release RELEASE."))
    if line.release:
        where = {"using": line.using or "", "prefix": line.folder or ""}
        return of_release(line.release, envs, **where)
    modes.refuse_media_store(line)
    using = modes.alias_of(line)
    return payload.of_tree(modes.tree_of(line, using), envs, using=using, in_request=False)


def manner_of(options: Mapping[str, Any]) -> Manner:
    names = {field.name for field in fields(Manner)} & options.keys()
    return Manner(**{name: options[name] for name in names}, user_id=modes.user_id(options["user"]))
