"""
Settings become one frozen `Options` for each store.

    cache_checks    System checks: whether all processes share a token, and a rate, by the cache
    release_checks  System check: whether the release storage exists, and is private
    checks          System checks: faults of the settings, found before the first upload
    check_table     Each system check in one entry: its id, what is wrong, what to do
    sealing         Secrets at rest: encrypted with a key that derives from SECRET_KEY
    offered         The environments that ``ENVIRONMENTS`` offers, each with its label and its tags
    settings        The only reader of settings, with their precedence: one `Options` per alias
    options         Each option in one entry; the frozen `Options`
"""

from .offered import offers
from .options import Options
from .settings import aliases, all_options, options_for, platform_options, stores

__all__ = [
    "Options",
    "aliases",
    "all_options",
    "offers",
    "options_for",
    "platform_options",
    "stores",
]
