"""Make the orders of ``wx_deploy``: the store, the environments, a folder or kept releases."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.db import DatabaseError

from .. import conf
from ..conf.options import MEDIA
from ..core.naming import NO_CACHE, header_value
from ..core.types import UploadContext, UploadItem
from ..deploy.environments import STATICFILES, Confirm, Order, Orders, site_stores, site_uploader
from ..deploy.link_check import Files, changed_in_place
from ..deploy.plan import Plan, hash_items
from ..deploy.records import Records, find_deployment, item_of
from ..deploy.state import from_log, live
from ..deploy.tree import Tree, read_tree
from ..i18n import gettext as _, listed, sentences, shown
from ..models import Release
from ..releases import previews, rollback
from ..submit.selection import select_environments
from ..upload import kept
from ..upload.as_sent import PREVIEW_STORE
from ..upload.sources import opened
from ..upload.uploader import Uploader
from .deploy_options import LABELS, CommandLine
from .exits import wrong_use

# --- where to ----------------------------------------------------------------------------------


def refuse_media_store(line: CommandLine) -> None:
    """Refuse to publish to a media store; its old releases may be listed."""
    alias = alias_of(line)
    publishes = line.directory or not line.without_tree
    if publishes and conf.options_for(alias).kind == MEDIA:
        why = _(
            "%(alias)r is a media store: a site would lie among what people upload, for good, as "
            "nothing can be deleted.",
            alias=alias,
        )
        raise wrong_use(sentences([why, _what_to_name(site_stores())]))


def alias_of(line: CommandLine) -> str:
    """Return the alias of --using, or the likeliest one; with DIR it must be the only one."""
    if line.using:
        return line.using
    if line.preview and PREVIEW_STORE in conf.aliases():
        return PREVIEW_STORE
    sites = site_stores()
    if line.directory or line.preview:
        if len(sites) != 1:
            raise wrong_use(_what_to_name(sites))
        return sites[0]
    if line.without_tree and STATICFILES not in conf.aliases() and len(sites) == 1:
        return sites[0]
    return STATICFILES


def _what_to_name(sites: Sequence[str]) -> str:
    """Return the advice for a missing --using, or one that names a media store."""
    if sites:
        text = _("Name a store for sites with --using ALIAS. This project has: %(aliases)s.")
        return text % {"aliases": listed(sites)}
    return _(
        "STORAGES has no store for sites. Add one to the settings, and name it:\n"
        '    STORAGES["site"] = {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"}\n'
        "    python manage.py wx_deploy DIR --using site"
    )


def store_of(line: CommandLine) -> str:
    """Return the alias of --using; without it, for releases, the alias they were deployed with."""
    alias, of_release = alias_of(line), line.without_tree and not (line.list or line.directory)
    if line.using or line.preview or not of_release:
        return alias
    envs = [env for env in environments_of(line) if env]
    if name := line.named_release:
        own = [site_uploader(alias).env] if alias in conf.aliases() else []
        return find_deployment(name, *(envs or own)[:1]).using
    return rollback.only_store(envs) or alias


def environments_of(line: CommandLine) -> Sequence[str | None]:
    """Return the environments of the line; None is the store's own."""
    named = line.env or []
    if line.all:
        if line.tag:
            raise wrong_use(_("--all takes every environment: leave --tag out."))
        if not (offered := conf.offers()):
            raise wrong_use(_("ENVIRONMENTS offers no environment."))
        return [*offered]
    if (path := line.envs_file) and not (named := _read_lines(path)):
        raise wrong_use(_("%(path)s names no environment.", path=path))
    return select_environments(named, line.tag) or [None]


def at_preview(line: CommandLine, uploader: Uploader) -> CommandLine:
    """Return the line with the folder of its preview, whose end is noted if it is published."""
    name, new = str(line.preview), not line.without_tree
    how = {"new": new, "keep": new and not line.dry_run}
    prefix = from_log(partial(previews.prefix_of, uploader, name, line.expires, **how))
    return replace(line, folder=prefix) if line.without_tree else replace(line, prefix=prefix)


def _read_lines(path: str) -> list[str]:
    """Return one environment for each line, without comments after #."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or error
        raise wrong_use(_("%(path)s cannot be read: %(why)s", path=path, why=why)) from None
    return list(dict.fromkeys(filter(None, (line.partition("#")[0].strip() for line in lines))))


# --- a folder ----------------------------------------------------------------------------------


def tree_of(line: CommandLine, using: str) -> Tree:
    """Return the files of DIR or of STATIC_ROOT, the last file apart."""
    storage: Any = None if line.directory else storages[using]
    if not (root := line.directory or getattr(storage, "location", "")):
        text = _(
            "Name a DIR: the alias %(alias)r has no folder on this machine, as static files "
            "have in STATIC_ROOT.",
            alias=using,
        )
        raise wrong_use(text)
    location, rules = conf.options_for(using).location, _rules(line.map)
    tree = read_tree(Path(root), line.prefix, location=location, ignore=line.ignore, rules=rules)
    if not (manifest := str(getattr(storage, "manifest_name", ""))):
        return tree
    names = dict(storage.hashed_files)
    hashed, hidden = {*names.values()}, names if storage.options.keep_only_hashed else {}
    items = [
        replace(item, hashed=item.hashed or item.name in hashed)
        for item in tree.items
        if item.name not in hidden
    ]
    last = next((item for item in items if item.name == manifest), None)
    first = [item for item in items if item is not last]
    last = replace(last, cache_control=NO_CACHE) if last else None
    return tree._replace(items=first, last=last)


def of_tree(
    line: CommandLine, using: str, uploaders: Sequence[Uploader], confirm: Confirm
) -> Orders:
    """Return an order for each environment with the files of DIR or STATIC_ROOT."""
    prefix, items, notes, last = tree_of(line, using)
    # Read once, however many plans look at them.
    items, last = hash_items(items), hash_items([last])[0] if last else None
    label = line.label or next(filter(None, map(os.environ.get, LABELS)), "")
    order = _order(line, using, prefix, label, confirm)
    order = replace(order, items=items, notes=notes, last=last)
    return [(uploader, order) for uploader in uploaders]


def of_releases(
    line: CommandLine, using: str, uploaders: Sequence[Uploader], confirm: Confirm
) -> tuple[Orders, list[rollback.Move]]:
    """Return the order and the move of each environment that has a release to go to."""
    rollback.check_storage()
    envs, name = [uploader.env for uploader in uploaders], line.named_release
    folder = rollback.folder_of(using, envs, prefix=line.folder or "", name=name)
    moves = rollback.moves(envs, folder, name, repair=line.repair)
    prefix = folder.removeprefix(uploaders[0].options.location)
    order = _order(line, using, prefix, line.label or "", confirm)
    going = {move.env for move in moves}
    uploaders = [uploader for uploader in uploaders if uploader.env in going]
    return rollback.orders(uploaders, moves, order), moves


def changes_in_place(
    orders: Orders, plans: Iterable[Plan], moves: Iterable[rollback.Move]
) -> list[str]:
    """Return warnings of files that a roll back changes under a name that pages keep."""
    # Pages are read once for all environments that get the same.
    alike: dict[tuple[Any, ...], tuple[Uploader, Order]] = {}
    for (uploader, order), plan, move in zip(orders, plans, moves, strict=True):
        changed = frozenset(
            item.name for item in plan.assets if uploader.key(item.name) in plan.existing
        )
        if not move.repair:
            before = frozenset(move.replaced(ever=False))
            alike[id(order.items), changed, before] = uploader, order
    found: dict[str, None] = {}
    for (_items, changed, before), (uploader, order) in alike.items():
        location, prefix = uploader.options.location, order.prefix
        old = [partial(_files, release, prefix) for release in before]
        found |= dict.fromkeys(
            changed_in_place(order.items, changed, prefix, location=location, before=old)
        )
    return [*found]


def live_in(orders: Orders) -> list[Files]:
    """Return the files of the releases that the orders replace, if their bytes are kept."""
    if not (orders and kept.alias()):
        return []
    prefix = orders[0][1].prefix
    found = [live(each.env, each.options.location + prefix) for each, _order in orders]
    releases = {row.release for row in found if row and row.release}
    return [partial(_files, release, prefix) for release in releases]


def _files(release: Release, prefix: str) -> Iterator[UploadItem]:
    return (item_of(file, prefix) for file in release.contents())


def _order(line: CommandLine, using: str, prefix: str, label: str, confirm: Confirm) -> Order:
    """Return an order with the options, without files."""
    return Order(
        items=(),
        context=UploadContext(source="wx_deploy", source_ref=label, user_id=user_id(line.user)),
        records=Records(using, prefix, again=line.force),
        force=line.force,
        wait=line.wait,
        verify=line.verify,
        stale=line.stale or (line.blank_stale and not line.rollback),
        blank_stale=confirm if line.blank_stale else None,
        include_uploads=line.include_uploads,
    )


def _rules(given: Sequence[str]) -> list[tuple[str, str]]:
    """Return each PATTERN=VALUE as a pair."""
    found = []
    for rule in given:
        pattern, _equals, value = rule.partition("=")
        if not (pattern and value):
            text = _('--map %(rule)s is not PATTERN=VALUE, as in "*.html=no-cache".', rule=rule)
            raise wrong_use(text)
        header_value(value)  # refuses what no header can hold
        found.append((pattern, value))
    return found


def user_id(name: str | None) -> int | None:
    if name is None:
        return None
    model = get_user_model()
    try:
        return int(model._default_manager.get_by_natural_key(name).pk)
    except model.DoesNotExist:
        why = _("There is no user %(name)r.", name=name)
    except (DatabaseError, ImproperlyConfigured):
        why = _("There is no database that knows users: leave --user out.")
    raise wrong_use(why)


# --- the manifest of static files: a roll back leaves it to the site's code, or writes it ------


def check_manifest(using: str, orders: Orders) -> None:
    """Refuse to write a manifest that is missing, or differs between the environments."""
    manifests = {order.last.sha256 if order.last else None for _uploader, order in orders}
    if None in manifests or not hasattr(storages[using], "write_manifest"):
        text = _("--write-manifest: this release, or the store %(alias)r, has no manifest.")
    elif len(manifests) > 1:
        text = _("--write-manifest: the environments go to different releases. Name one.")
    else:
        return
    raise wrong_use(text % {"alias": using})


def write_manifest(using: str, orders: Orders) -> str:
    """Write the release's manifest where the site reads it; return a line on it."""
    storage: Any = storages[using]
    last: Any = orders[0][1].last
    with opened(last, md5=last.md5) as source:
        storage.write_manifest(b"".join(source))
    return _("%(name)s is the one of this release now: restart the site.", name=shown(last.name))
