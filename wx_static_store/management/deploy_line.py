"""Read the command line of ``wx_deploy``: the store, the environments, the release."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.utils.functional import Promise

from .. import conf
from ..conf.options import MEDIA
from ..core.naming import header_value
from ..deploy.environments import STATICFILES, site_stores
from ..i18n import gettext, gettext_lazy as _, listed
from ..submit.selection import select_environments
from .deploy_options import CLOUD, LIVE, without_tree
from .exits import wrong_use


def refuse_media_store(options: Mapping[str, Any]) -> None:
    """Refuse to publish to a media store; its old releases may be listed."""
    alias = alias_of(options)
    publishes = options["directory"] or not without_tree(options)
    if publishes and conf.options_for(alias).kind == MEDIA:
        why = _(
            "%(alias)r is a media store: a site would lie among what people upload, for good, as "
            "nothing can be deleted.",
            alias=alias,
        )
        raise wrong_use(f"{why} {_what_to_name(site_stores())}")


def alias_of(options: Mapping[str, Any]) -> str:
    """Return the alias of --using, or the likeliest one; with DIR it must be the only one."""
    if options["using"]:
        return str(options["using"])
    sites = site_stores()
    if options["directory"]:
        if len(sites) != 1:
            raise wrong_use(_what_to_name(sites))
        return sites[0]
    if without_tree(options) and STATICFILES not in conf.aliases() and len(sites) == 1:
        return sites[0]
    return STATICFILES


def release_of(options: Mapping[str, Any]) -> str:
    """Return the first release that the options name, or an empty text."""
    if isinstance(options["rollback"], str):
        return options["rollback"]
    words = (LIVE, CLOUD, *filter(os.path.isdir, options["diff"][1:]))
    return next((name for name in options["diff"] if name not in words), "")


def _what_to_name(sites: Sequence[str]) -> str:
    """Return the advice for a missing --using, or one that names a media store."""
    if sites:
        return gettext(
            "Name a store for sites with --using ALIAS. This project has: %(aliases)s.",
            aliases=listed(sites),
        )
    return gettext(
        "STORAGES has no store for sites. Add one to the settings, and name it:\n"
        '    STORAGES["site"] = {"BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage"}\n'
        "    python manage.py wx_deploy DIR --using site"
    )


def environments_of(options: Mapping[str, Any]) -> Sequence[str | None]:
    """Return the environments of the options; None is the store's own."""
    named, tags = options["env"] or [], options["tag"]
    if options["all"]:
        if tags:
            raise wrong_use(_("--all takes every environment: leave --tag out."))
        return some(conf.offers(), _("ENVIRONMENTS offers no environment."))
    if path := options["envs_file"]:
        named = some(read_lines(path), _("%(path)s names no environment.", path=path))
    return select_environments(named, tags) or [None]


def rules(given: Sequence[str]) -> list[tuple[str, str]]:
    found = [tuple(rule.split("=", 1)) for rule in given]
    for rule in found:
        if len(rule) != 2 or not all(rule):
            raise wrong_use(
                _(
                    '--map %(rule)s is not PATTERN=VALUE, as in "*.html=no-cache".',
                    rule="=".join(rule),
                )
            )
        header_value(rule[1])
    return [(pattern, value) for pattern, value in found]


def read_lines(path: str) -> list[str]:
    """Return one environment for each line, without comments after #."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise wrong_use(_("%(path)s cannot be read: %(why)s", path=path, why=error)) from None
    return list(dict.fromkeys(filter(None, (line.partition("#")[0].strip() for line in lines))))


def some(envs: Iterable[str], otherwise: str | Promise) -> list[str]:
    if not (found := list(envs)):
        raise wrong_use(otherwise)
    return found
