"""Which alias owns a row: the one answer for the admin, the API and a retry."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from ..conf import aliases, options_for
from ..conf.options import Options
from ..core.naming import object_key
from ..exceptions import ConfigurationError, NameRejected
from ..models import UploadLog


def usable_stores() -> dict[str, Options]:
    """Return the options of each alias, without the aliases that are misconfigured."""
    stores = {}
    for alias in aliases():
        with suppress(ConfigurationError):  # the checks report it
            stores[alias] = options_for(alias).settled()
    return stores


def owning_alias(row: UploadLog, stores: Mapping[str, Options] | None = None) -> str:
    """
    Return the alias whose store writes the row's name to its key; empty if none does.

    A store at the row's own environment comes before a store at another one. Give `stores` to ask
    for many rows: a callable `env` is then asked once.
    """
    stores = usable_stores() if stores is None else stores
    owners = [alias for alias, options in stores.items() if _writes(options, row)]
    at_home = (alias for alias in owners if stores[alias].env == row.env)
    return next(at_home, next(iter(owners), ""))


def addressing_alias(row: UploadLog, stores: Mapping[str, Options] | None = None) -> str:
    """Return the alias that knows the row's public address: its owner, or one at its env."""
    stores = usable_stores() if stores is None else stores
    at_home = (alias for alias, options in stores.items() if options.env == row.env)
    return owning_alias(row, stores) or next(at_home, "")


def _writes(options: Options, row: UploadLog) -> bool:
    with suppress(NameRejected):
        return object_key(options.location, row.name) == row.key
    return False
