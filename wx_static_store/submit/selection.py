"""Select environments by name and by tag."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .. import conf
from ..conf.offered import TAGS_HINT, Offer
from ..conf.settings import nearest
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _, listed


def select_environments(
    named: Sequence[str], tags: Sequence[str] = (), *, user: Any = None
) -> list[str]:
    """
    Return the named environments, then those with the tags, as ENVIRONMENTS orders them; each once.

    An environment has the tags if it has one of each set: of ``ring/early``, ``ring/main`` and
    ``customer/acme``, one of the rings and the customer. Raises ConfigurationError for a name that
    ENVIRONMENTS does not offer; without this setting, any name is allowed, but no tag.
    """
    if not tags and not (named and conf.platform_options().environments):
        return list(dict.fromkeys(named))
    offers = conf.offers(user)
    for env in named:
        if env not in offers:
            text = _("ENVIRONMENTS does not offer %(env)s", env=env)
            raise ConfigurationError(text, hint=nearest(env, [*offers]))
    known, found = tags_of(offers), having_tags(offers, tags) if tags else []
    for tag in tags:
        if tag not in known:
            text = _("No environment has the tag %(tag)r", tag=tag)
            raise ConfigurationError(text, hint=nearest(tag, known) if known else TAGS_HINT)
    if tags and not found:
        text = _("No environment fits these tags: %(tags)s", tags=listed(tags))
        raise ConfigurationError(text, hint=_("Of each set, an environment needs one of its tags."))
    return list(dict.fromkeys([*named, *found]))


def tags_of(offers: Mapping[str, Offer]) -> list[str]:
    """Return the tags that these environments have, each once."""
    return list(dict.fromkeys(tag for offer in offers.values() for tag in offer.tags))


def having_tags(offers: Mapping[str, Offer], tags: Iterable[str]) -> list[str]:
    """Return the environments that have, of each set in these tags, one of its tags."""
    wanted = defaultdict(set)
    for tag in tags:
        wanted[tag.partition("/")[0]].add(tag)
    return [
        env
        for env, offer in offers.items()
        if all(map({*offer.tags}.intersection, wanted.values()))
    ]
