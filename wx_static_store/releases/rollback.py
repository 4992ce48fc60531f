"""Roll back and repair: the ordinary deploy of a kept release to each environment."""

import shlex
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from ..conf import aliases, options_for
from ..core.naming import is_preview
from ..core.releases import LABELS, REPAIR, ROLL_BACK, ROLL_BACK_FROM
from ..core.retry import REQUEST
from ..core.types import RemoteFile, UploadContext
from ..deploy.environments import (
    Order,
    Orders,
    deploy_to_all,
    may_be_stale,
    preview_of,
    site_uploader,
    stale_files,
)
from ..deploy.plan import Plan
from ..deploy.records import Records, find_deployment, items_of
from ..deploy.report import EnvironmentReport
from ..deploy.state import before, from_log, states, trusts_log, with_release
from ..deploy.tree import check_prefix
from ..exceptions import ConfigurationError, SourceError
from ..i18n import gettext_lazy as _, listed, ngettext, shown
from ..models import Deployment, FolderState, Release
from ..upload import kept
from ..upload.as_sent import PREVIEW_STORE
from ..upload.uploader import Uploader
from ..upload.workers import WorkerPool

NAMED = 5  # files or environments in a message
LONGEST = 80  # characters of a label inside a label
# A larger roll back needs the command: many web servers end a request after 30 seconds.
MOST_FILES = 100
MOST_BYTES = 20 * 2**20
SECONDS = REQUEST * 0.8
# How labels begin that name other releases.
_GENERATED = tuple(start for start, part, _end in (x.partition("%") for x in LABELS) if part)

_SETTINGS = _(
    "Add a private place to the settings:\n"
    '    STORAGES["releases"] = {"BACKEND": "django.core.files.storage.FileSystemStorage", '
    '"OPTIONS": {"location": BASE_DIR / "releases", "file_permissions_mode": 0o600}}\n'
    '    WX_STATIC_STORE["RELEASE_STORAGE"] = "releases"\n'
    "What is deployed from then on is kept there."
)
_AGAIN = _(
    "Deploy a tree that has these files: this keeps them, with --force also bytes that were lost "
    "or damaged. Or name another release."
)
OTHER_RELEASE = _("wx_deploy --list shows all. Name one, or other environments with --env.")
_OTHER_PLACE = _(
    "wx_deploy --list shows all. Name another folder with --prefix, or other environments with "
    "--env."
)
_BY_HAND = _("Deploy the old tree again, or give the store its old location.")


@dataclass(frozen=True)
class Move:
    """The move of a folder from its newest deployment to the `target`."""

    state: FolderState
    target: Deployment
    repair: bool = False

    @property
    def env(self) -> str:
        return self.state.env

    @property
    def before(self) -> Deployment | None:
        """Return the newest deployment, however it ended."""
        return self.state.wanted

    @property
    def label(self) -> str:
        """Return the label of the new deployment."""
        return self.describe(lambda row: title(row)[:LONGEST])

    def describe(self, name: Callable[[Deployment], str]) -> str:
        """Return what the move does, in English; `label_in_words` translates it."""
        names = {"to": name(self.target)}
        if self.before and not self.repair:
            return ROLL_BACK_FROM % (names | {"before": name(self.before)})
        return (REPAIR if self.repair else ROLL_BACK) % names

    def replaced(self, *, ever: bool) -> list[Release]:
        """Return the other releases whose files may be there; with `ever`, all it ever got."""
        newest = [self.before, self.state.live]
        every = with_release().filter(env=self.env).in_folder(self.target.folder)
        rows = from_log(lambda: [*every]) if ever else newest
        found = {row.release for row in rows if row and row.release}
        return [release for release in found if release != self.target.release]


# --- which release -----------------------------------------------------------------------------


def only_store(envs: Sequence[str]) -> str:
    """Return the only alias that had releases of these (or all), or ""; SourceError for several."""
    rows = with_release().filter(using__in={*aliases()} - {PREVIEW_STORE}).order_by()
    rows = rows.filter(env__in=envs) if envs else rows
    found = from_log(lambda: sorted(rows.values_list("using", flat=True).distinct()))
    if len(found) > 1:
        text = _("There are releases of several stores: %(aliases)s", aliases=listed(found))
        raise SourceError(text, hint=_("Name one with --using ALIAS."))
    return found[0] if found else ""


def folder_of(using: str, envs: Sequence[str], *, prefix: str = "", name: str = "") -> str:
    """
    Return the folder `prefix`, or of the named release, or the only one with releases.

    Raises SourceError for several, ConfigurationError for a bad prefix or a store that has moved.
    """
    location = options_for(using).location  # which is the prefix "/"
    if prefix:
        return location + check_prefix(prefix.strip("/"))
    if name:
        known = {find_deployment(name, envs[0], using=using).folder}
    else:
        rows = with_release().filter(using=using, env__in=envs).order_by()
        every = from_log(lambda: {*rows.values_list("folder", flat=True).distinct()})
        known = {one for one in every if not is_preview(one.removeprefix(location))}
    found = sorted(folder for folder in known if folder.startswith(location))
    if len(found) == 1:
        return found[0]
    if found:
        shorter = [f"--prefix {shown(folder.removeprefix(location)) or '/'}" for folder in found]
        text = _("There are releases of several folders")
        raise SourceError(text, hint=_("Name one: %(prefixes)s.", prefixes=listed(shorter)))
    if known:
        raise elsewhere(using, location, known)
    return location


def elsewhere(using: str, location: str, known: set[str]) -> ConfigurationError:
    """Return the error for releases that are no longer below the store's location."""
    text = _(
        "The location of %(alias)r is %(now)s, and its releases were deployed to %(then)s",
        alias=using,
        now="/" + location,
        then=listed(sorted(f"/{shown(folder)}" for folder in known)),
    )
    return ConfigurationError(text, hint=_BY_HAND)


def moves(envs: Sequence[str], folder: str, name: str = "", *, repair: bool = False) -> list[Move]:
    """
    Return the move of each environment to the named release, or to the one before.

    Raises SourceError if an environment has no such release; for a repair, if none has.
    """
    here = states(envs, folder)
    if name:
        targets = {env: find_deployment(name, env, folder) for env in envs}
    elif repair:
        # To the wanted release if it is live; other environments are left out, unless all are.
        targets = {now.env: now.wanted for now in here if now.wanted and now.is_settled}
    else:
        targets = before(envs, folder)
    lacking = [env for env in envs if env not in targets]
    if lacking and not (repair and targets):
        for now in here if repair else ():
            if now.wanted:
                raise unsettled(now, now.wanted)
        what = {"folder": shown(folder), "envs": listed(lacking, NAMED)}
        text = (
            _("There is no release that ended well of /%(folder)s in %(envs)s", **what)
            if repair
            else _("There is no release before the newest of /%(folder)s in %(envs)s", **what)
        )
        hint = _OTHER_PLACE if repair else OTHER_RELEASE
        raise SourceError(text, hint=hint, cause="release.unknown")
    return [Move(now, targets[now.env], repair) for now in here if now.env in targets]


def unsettled(now: FolderState, wanted: Deployment) -> SourceError:
    """Return the error of a repair that would have to guess: the wanted release is not live."""
    rows = [wanted, *([now.live] if now.live else [])]
    commands = [command_for(row.using, now.env, ("--rollback", str(row.pk))) for row in rows]
    text = _(
        "The newest release of /%(folder)s in %(env)s did not end well: %(label)s (%(pk)d)",
        folder=shown(now.folder),
        env=now.env,
        label=shown(title(wanted)),
        pk=wanted.pk,
    )
    hint = _("Name the release that you want:\n%(commands)s", commands="\n".join(commands))
    return SourceError(text, hint=hint)


def title(deployment: Deployment) -> str:
    """Return the given label; else that of another deployment of the release, or its digest."""
    if deployment.label and not deployment.label.startswith(_GENERATED):
        return deployment.label
    every = with_release()
    for rows in (every.filter(env=deployment.env).in_folder(deployment.folder), every):
        given = rows.filter(release=deployment.release).exclude(label="")
        for begin in _GENERATED:
            given = given.exclude(label__startswith=begin)
        if label := from_log(given.values_list("label", flat=True).first):
            return str(label)
    return str(deployment.release)


# --- the deploy --------------------------------------------------------------------------------


def check_storage() -> None:
    """Raise ConfigurationError if the bytes of releases are not kept, or not privately."""
    if not kept.alias():
        raise ConfigurationError(_("RELEASE_STORAGE is not set"), hint=_SETTINGS)
    kept.check()


def orders(uploaders: Sequence[Uploader], moves: Sequence[Move], template: Order) -> Orders:
    """Return the order of each environment."""
    # Cached: environments with the same release share its items.
    contents = cache(lambda release: items_of(release, template.prefix))
    found = []
    for uploader, move in zip(uploaders, moves, strict=True):
        # A roll back is in a hurry. A repair must see what the cloud has lost.
        trust_log = not move.repair and trusts_log(move.state)
        items, last = contents(move.target.release)
        label = template.context.source_ref or move.label
        order = replace(
            template,
            items=items,
            last=last,
            context=replace(template.context, source_ref=label),
            must_compare=move.repair,
            replaced=None if move.repair else move.replaced(ever=template.blank_stale is not None),
        )
        found.append((Uploader(replace(uploader.options, trust_log=trust_log)), order))
    return found


def command_for(using: str, env: str, mode: Sequence[str], prefix: str = "", *more: str) -> str:
    """Return the command that rolls back, or repairs, a folder of an environment."""
    words = ["python", "manage.py", "wx_deploy", *mode, "--using", using, "--env", env]
    return shlex.join([*words, *(["--prefix", prefix] if prefix else []), *more])


def manifest_reminder(move: Move, order: Order) -> str:
    """Return what is left to do for the manifest of static files; empty without one."""
    if move.repair or order.last is None:
        return ""
    using, mode = order.records.using, ("--rollback", str(move.target.release))
    command = command_for(using, move.env, mode, order.prefix, "--write-manifest")
    text = _(
        "The running site reads its own %(name)s, which belongs to its code: roll that back, too, "
        "or write the old one: %(command)s",
        name=shown(order.last.name),
        command=shown(command),
    )
    return str(text)


def refuse_incomplete(using: str, releases: Iterable[Release], plans: Sequence[Plan] = ()) -> None:
    """Raise SourceError if bytes are not kept, or damaged where the plans send them."""
    needed = {item.sha256 for plan in plans for item in plan.sent if item.sha256}
    with WorkerPool(options_for(using).max_workers) as pool:
        for release in releases:
            if gone := kept.missing(release.contents(), pool, needed=needed):
                text = ngettext(
                    "%(count)d file of release %(release)s is missing or damaged in the release "
                    "storage: %(names)s",
                    "%(count)d files of release %(release)s are missing or damaged in the "
                    "release storage: %(names)s",
                    len(gone),
                    release=release,
                    names=listed((shown(file.name) for file in gone), NAMED),
                )
                raise SourceError(text, hint=_AGAIN)


# --- for a page or a request: one environment --------------------------------------------------


@dataclass(frozen=True)
class RollbackPlan:
    """The deploy of the older release, as by the command, and the plan of its files."""

    move: Move
    uploader: Uploader
    order: Order
    plan: Plan
    stale: Sequence[RemoteFile]

    @property
    def is_small(self) -> bool:
        """Return whether a request may carry it out."""
        return len(self.plan) <= MOST_FILES and self.plan.size <= MOST_BYTES

    @property
    def is_live(self) -> bool:
        """Return whether the target is already there."""
        return self.move.state.has(self.move.target)

    @property
    def command(self) -> str:
        """Return the command that does the same."""
        mode = ("--rollback", str(self.move.target.pk))
        return command_for(self.order.records.using, self.move.env, mode, self.order.prefix)

    def run(self) -> EnvironmentReport:
        (report,) = deploy_to_all([(self.uploader, self.order)])
        return report


def move_of(
    env: str,
    name: str = "",
    *,
    using: str = "",
    prefix: str = "",
    among: Collection[str] | None = None,
) -> tuple[str, Move]:
    """
    Return the alias, and the move to the named release, or to the one before without a name.

    Raises SourceError and ConfigurationError, also if the store has moved.
    """
    target = find_deployment(name, env, using=using, among=among) if name else None
    using = using or (target.using if target else only_store([env]))
    if not using:
        raise SourceError(_("No release was deployed to %(env)s", env=env), cause="release.unknown")
    name = str(target.pk) if target else ""
    folder = folder_of(using, [env], prefix=prefix, name=name)
    (move,) = moves([env], folder, name)
    return using, move


def plan_rollback(using: str, move: Move, context: UploadContext) -> RollbackPlan:
    """Return the plan of this roll back; raises if the needed bytes are not kept."""
    check_storage()
    uploader = site_uploader(using, move.env)
    records = Records(using, move.target.folder.removeprefix(uploader.options.location))
    template = Order((), context, records, seconds=SECONDS)
    ((uploader, order),) = orders([uploader], [move], template)
    plan = preview_of(uploader, order)
    refuse_incomplete(using, [move.target.release], [plan])
    stale, _uploads = stale_files(uploader, order, may_be_stale(uploader, order))
    return RollbackPlan(move, uploader, order, plan, stale)
