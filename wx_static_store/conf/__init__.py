"""
Settings become one frozen `Options` for each store.

    cache_checks  System checks: whether all processes can share the platform's token by its cache
    checks        System checks: what is wrong with the settings, found before the first upload
    check_table   Each system check in one entry: its id, what is wrong, what to do
    sealing       Secrets at rest: encrypted with a key that derives from SECRET_KEY
    settings      The only reader of settings, with their precedence: one frozen `Options` per alias
    options       Each option in one entry, and the frozen `Options` that are made of them
    validators    What the value of an option must be
"""

from .options import Options
from .settings import aliases, all_options, environments, options_for, platform_options, stores

__all__ = [
    "Options",
    "aliases",
    "all_options",
    "environments",
    "options_for",
    "platform_options",
    "stores",
]
