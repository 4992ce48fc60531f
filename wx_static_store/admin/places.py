"""Where a row belongs: its environment's name, the alias that writes there, the public address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, cast

from django.http import HttpRequest

from ..clients.links import is_loopback
from ..conf import aliases, options_for
from ..conf.options import Options
from ..exceptions import ConfigurationError
from ..submit.policy import visible_environments
from ..upload.store import Store, store_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    User = AbstractBaseUser | AnonymousUser


class Alias(NamedTuple):
    using: str
    options: Options

    def writes(self, key: str) -> bool:
        return key.startswith(self.options.location)

    def fit(self, key: str) -> int:
        return len(self.options.location) if self.writes(key) else -1


class Places:
    """What a page tells of stores to one user; it never asks the network."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._stores: dict[tuple[str, str], Store] = {}

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The environments that this user may see and that have a name here."""
        offered = visible_environments(self._user)
        if offered is not None:
            return offered
        return {str(alias.options.env): str(alias.options.env) for alias in self._aliases}

    def name(self, env: str) -> str:
        return self.names.get(env, env)

    def using(self, env: str, key: str) -> str:
        """The alias that wrote this, as far as its place tells; empty where none would."""
        alias = self._alias(env, key)
        return alias.using if alias and alias.writes(key) else ""

    def url(self, env: str, key: str) -> str:
        """The public address, empty where WeChat would have to be asked for it."""
        alias = self._alias(env, key)
        if not (alias and key):
            return ""
        try:
            return link_to(self._store(alias, env), key)
        except ConfigurationError:
            return ""

    @cached_property
    def _aliases(self) -> list[Alias]:
        return list(_settled())

    def _alias(self, env: str, key: str) -> Alias | None:
        """Of this environment rather than of another, of an inner folder rather than of all."""
        own = [alias for alias in self._aliases if alias.options.env == env]
        tenants = self._aliases if env in self.names else []
        return max(own or tenants, key=lambda alias: alias.fit(key), default=None)

    def _store(self, alias: Alias, env: str) -> Store:
        place = (alias.using, env)
        if place not in self._stores:
            self._stores[place] = store_for(alias.options.for_env(env))
        return self._stores[place]


def places_for(request: HttpRequest) -> Places:
    """Those of this request: the project's own functions are asked once."""
    if not hasattr(request, "wx_places"):
        request.wx_places = Places(request.user)  # type: ignore[attr-defined]
    return cast(Places, request.wx_places)  # type: ignore[attr-defined]


def _settled() -> Iterator[Alias]:
    """The aliases that can be used; what is wrong with another, the checks tell."""
    for using in aliases():
        try:
            yield Alias(using, options_for(using).settled())
        except ConfigurationError:
            continue


def link_to(store: Store, key: str) -> str:
    options = store.options
    return linkable(store.known_url(key), trusted=options.base_url or options.url_prefix)


def linkable(url: str, *, trusted: str = "") -> str:
    """The address if a page may link to it: https, this machine, or what the settings name."""
    local = url.startswith("http://") and is_loopback(url)
    configured = bool(trusted) and url.startswith(trusted)
    return url if url.startswith("https://") or local or configured else ""
