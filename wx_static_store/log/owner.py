"""Find the alias that owns a row, for the admin, the API and a retry."""

from collections.abc import Mapping
from contextlib import suppress

from ..conf import Options, all_options
from ..core.naming import object_key
from ..exceptions import ConfigurationError, NameRejected
from ..models import UploadLog


def usable_stores() -> dict[str, Options]:
    """Return the options of each alias, without the aliases that are misconfigured."""
    stores = {}
    for alias, options in all_options().items():
        with suppress(ConfigurationError):  # of the project's own function
            stores[alias] = options.settled()
    return stores


def owning_alias(row: UploadLog, stores: Mapping[str, Options] | None = None) -> str:
    """Return the alias that writes the row's name to its key, at its environment first; or ""."""
    # Whoever has many rows gives `stores`, so that a callable `env` is called once.
    stores = usable_stores() if stores is None else stores
    owners = []
    for alias, options in stores.items():
        with suppress(NameRejected):
            if object_key(options.location, row.name) == row.key:
                owners.append(alias)
    at_home = (alias for alias in owners if stores[alias].env == row.env)
    return next(at_home, next(iter(owners), ""))


def addressing_alias(row: UploadLog, stores: Mapping[str, Options] | None = None) -> str:
    """Return the alias that knows the row's address: its owner, or one at its environment."""
    stores = usable_stores() if stores is None else stores
    at_home = (alias for alias, options in stores.items() if options.env == row.env)
    return owning_alias(row, stores) or next(at_home, "")
