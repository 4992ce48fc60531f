"""The environments that ``ENVIRONMENTS`` offers to a user, each with its label and its tags."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..exceptions import ConfigurationError, Remedy, WxStaticStoreError
from ..i18n import gettext_lazy as _
from .options import Options, clean
from .settings import aliases, options_for, platform_options, unknown

TAGS_HINT = _(
    "Write the tags of an environment in ENVIRONMENTS as a list, each as Set/Tag: "
    '{"label": "Tea House", "tags": ["ring/early", "customer/acme"]}.'
)


@dataclass(frozen=True)
class Offer:
    """An entry of ``ENVIRONMENTS``: a label alone, or a dictionary with these keys."""

    label: str
    tags: tuple[str, ...] = ()  # each is Set/Tag


_PART = r"[^/\s](?:[^/]*[^/\s])?"  # of a tag: without spaces around it


def offers(user: Any = None) -> dict[str, Offer]:
    """Return the environments that ``ENVIRONMENTS`` offers a user, or a command (None)."""
    function = platform_options().environments
    if function is None:
        raise ConfigurationError(
            _("WX_STATIC_STORE has no ENVIRONMENTS"),
            hint=_(
                "Set it to a function (user or None) -> {environment id: label}, or to "
                "wx_static_store.environments.of_platform."
            ),
        )
    try:
        found = function(user)
    except WxStaticStoreError as error:
        failed = _("ENVIRONMENTS failed (%(why)s)", why=error.what)
        facts: dict[str, Any] = {"hint": error.hint, "cause": error.cause, "remedy": error.remedy}
        raise ConfigurationError(failed, **facts) from None
    except Exception as error:  # noqa: BLE001 -- a project's own function
        failed = _("ENVIRONMENTS failed (%(why)s)", why=f"{type(error).__name__}: {error}")
        # Its database, say, may be away: a worker asks again later.
        raise ConfigurationError(failed, remedy=Remedy.WAIT) from None
    if not isinstance(found, Mapping):
        raise ConfigurationError(_("ENVIRONMENTS must give a dictionary, {environment id: label}"))
    return {str(env): _offer(env, given) for env, given in found.items()}


def at_home(using: str, env: str) -> Options | None:
    """Return the store's options at this environment; None if the settings do not send there."""
    # The row that names both may be of a copied database, which another project uses.
    options = options_for(using) if using in aliases() else None
    if options and (options.env == env or (callable(options.env) and env in offers())):
        return options.for_env(env)
    return None


def _offer(env: Any, given: Any) -> Offer:
    where = f"ENVIRONMENTS, {env!r}"
    clean({"env": env}, where)
    if not isinstance(given, Mapping):
        return Offer(str(given))
    if fault := unknown(given, [each.name for each in fields(Offer)], where):
        raise fault
    if not isinstance(tags := given.get("tags", ()), list | tuple):
        raise ConfigurationError(_("%(where)s: tags must be a list", where=where), hint=TAGS_HINT)
    for tag in tags:
        if not (isinstance(tag, str) and re.fullmatch(rf"{_PART}/{_PART}", tag)):
            text = _("%(where)s: the tag %(tag)r is not of the form Set/Tag", where=where, tag=tag)
            raise ConfigurationError(text, hint=TAGS_HINT)
    return Offer(str(given.get("label", env)), tuple(tags))
