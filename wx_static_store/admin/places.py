"""Where a row belongs: its environment's name, the alias that writes there, the public address."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, cast

from django.http import HttpRequest

from ..clients.links import is_loopback
from ..conf import Options
from ..conf.offered import Offer
from ..core.refusals import User
from ..exceptions import ConfigurationError
from ..log.owner import addressing_alias, owning_alias, usable_stores
from ..models import UploadLog
from ..submit.access import reach
from ..upload.hosting import Hosting
from ..upload.store import Store, store_for


class Places:
    """The names and addresses that a page shows to one user; they need no call."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._stores: dict[tuple[str, str], Store] = {}
        self._unknown: dict[tuple[str, str], Hosting] = {}  # the cache did not know them

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The environments that this user may see and that have a name here."""
        if self._offered is not None:
            return {env: offer.label for env, offer in self._offered.items()}
        return {str(options.env): str(options.env) for options in self.stores.values()}

    def offers(self, others: Callable[[], Iterable[str]]) -> Mapping[str, Offer]:
        """Return the environments to choose from; without ENVIRONMENTS, named ones and `others`."""
        if self._offered is not None:
            return self._offered
        return {env: Offer(self.name(env)) for env in sorted({*others(), *self.names})}

    def name(self, env: str) -> str:
        return self.names.get(env, env)

    def using(self, row: Any) -> str:
        return row.using if hasattr(row, "using") else owning_alias(row, self.stores)

    def url(self, row: UploadLog) -> str:
        """Return the public address; empty if only WeChat could tell it."""
        return self.address(addressing_alias(row, self.stores), row.env, row.key) if row.key else ""

    def address(self, using: str, env: str, key: str, hosting: Hosting | None = None) -> str:
        """Return the public address of a key or folder; empty if only WeChat could tell it."""
        if using not in self.stores:
            return ""
        hosting = hosting or self._unknown.get((using, env))
        try:
            if (using, env) not in self._stores:
                self._stores[using, env] = store_for(self.stores[using].for_env(env))
            store = self._stores[using, env]
            url = linkable(store.known_url(key, hosting), store.options)
        except ConfigurationError:
            return ""
        if not url:
            self._unknown[using, env] = Hosting()
        return url

    @cached_property
    def _offered(self) -> Mapping[str, Offer] | None:
        return reach(self._user)

    @cached_property
    def stores(self) -> Mapping[str, Options]:
        """The options of each alias that can be used."""
        return usable_stores()


def places_for(request: HttpRequest) -> Places:
    """Return the places of this request; the project's own functions are called once."""
    if not hasattr(request, "wx_places"):
        request.wx_places = Places(request.user)  # type: ignore[attr-defined]
    return cast(Places, request.wx_places)  # type: ignore[attr-defined]


def linkable(url: str, options: Options) -> str:
    """Return the address if a page may link to it: https, this machine, or as the settings say."""
    trusted = options.base_url or options.url_prefix
    local = url.startswith("http://") and is_loopback(url)
    configured = bool(trusted) and url.startswith(trusted)
    return url if url.startswith("https://") or local or configured else ""
