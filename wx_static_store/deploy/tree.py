"""Read the files of a folder as items to publish, without ignored files and unsafe links."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from django.utils.functional import Promise

from ..conf.release_checks import refuse_releases_in
from ..core import interrupts
from ..core.hashed_names import hashed_among
from ..core.naming import clean_name
from ..core.types import UploadItem
from ..exceptions import ConfigurationError, NameRejected, SourceError
from ..i18n import gettext_lazy as _
from ..upload.sources import tree_item
from .site_files import FILES, MOST, follow

IGNORE_FILE = ".wxignore"

_FOLDER = _("Name the folder that your build writes, and see that it may be read.")
_EMPTY = _("Build the site first, and look at what .wxignore and --ignore leave out.")
_LINK = _("Put a copy in its place, or add it to .wxignore: all that is sent is public.")
_SPECIAL = _("Remove it, or add it to .wxignore.")
_PREFIX = _("Write it as a folder of the site, as in docs/v2.")
_PATTERN = _("Write patterns as in a .gitignore file.")
_INSTALL = _('Run: pip install "wx_static_store[deploy]"')


class Tree(NamedTuple):
    """The files of a folder, named `prefix` + path; the `last` makes the others live."""

    prefix: str
    items: list[UploadItem]
    notes: Sequence[str] = ()  # on lines of its _headers and _redirects that cannot be followed
    last: UploadItem | None = None


def read_tree(
    root: Path,
    prefix: str = "",
    location: str = "",
    *,
    ignore: Sequence[str] = (),
    rules: Sequence[tuple[str, str]] = (),
) -> Tree:
    """
    Return the files below `root`, sorted by name, with the digests of small ones.

    Patterns are in ``.wxignore`` and then in `ignore`; as in git, the last one that fits decides.
    Of `rules` (pattern, Cache-Control), the first that fits the path decides, also of a page that
    ``_redirects`` makes; ``*`` also fits ``/``. Then ``_headers`` of the folder counts; `location`
    is that of the store. Raises SourceError (an OSError) if the disk fails, and ConfigurationError
    for a bad prefix or pattern, or if the release storage is in the folder.
    """
    prefix = check_prefix(prefix)
    if not root.is_dir():
        raise unusable(_("%(folder)r is no folder", folder=str(root)), _FOLDER)
    refuse_releases_in(root)
    lines = [*_lines(root, IGNORE_FILE), *ignore]
    fits = _matcher([line for line in lines if line.strip() and not line.startswith("#")])

    heads = dict(_walk(os.path.realpath(root), lambda path: _is_hidden(path) or fits(path)))
    read = {name: _lines(root, name, MOST) for name in FILES if heads.pop(name, None) is not None}
    hashed, items = hashed_among(heads), list[UploadItem]()
    for path in sorted(heads):
        interrupts.check()
        place = heads[path], path if heads[path].endswith("/") else ""
        items.append(tree_item(prefix + path, *place, hashed=path in hashed))
    items, notes = follow(read, items, prefix, location)
    for number, item in enumerate(items if rules else ()):
        path = item.name.removeprefix(prefix)
        if rule := next((value for fits, value in rules if fnmatchcase(path, fits)), None):
            items[number] = replace(item, cache_control=rule)
    if not items:
        raise unusable(_("There is no file to send in %(folder)r", folder=str(root)), _EMPTY)
    return Tree(prefix, items, notes)


def check_prefix(prefix: str) -> str:
    """Return the prefix with a slash at its end; raise ConfigurationError."""
    if not prefix:
        return ""
    try:
        return clean_name(prefix.removesuffix("/")) + "/"
    except NameRejected:
        text = _("%(prefix)s cannot be a prefix", prefix=ascii(prefix[:100]))
        raise ConfigurationError(text, hint=_PREFIX) from None


def unusable(message: str | Promise, hint: str | Promise) -> SourceError:
    """Return the error of a tree, or of an archive of one."""
    return SourceError(message, stage="source", hint=hint)


# --- what is left out -------------------------------------------------------------------------


def _is_hidden(path: str) -> bool:
    """Return whether the path leads through a dot folder, or to a file of the system."""
    # Certificate authorities look for the proof of a domain in .well-known.
    parts = path.split("/")
    return "Thumbs.db" in parts or any(p.startswith(".") and p != ".well-known" for p in parts)


def _lines(root: Path, name: str, most: int = -1) -> list[str]:
    try:
        with (root / name).open(encoding="utf-8-sig") as file:
            return file.read(most).splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        why = {"file": name, "why": str(error)}
        raise unusable(_("%(file)s cannot be read as UTF-8 text (%(why)s)", **why), "") from None


def _matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    if not patterns:
        return lambda path: False
    try:
        from pathspec import GitIgnoreSpec

        # `docs/**` must mean the content: else pathspec leaves out exceptions below it, too.
        lines = (re.sub(r"/\*\*(/?)\s*$", r"/**/*\1", pattern) for pattern in patterns)
        return GitIgnoreSpec.from_lines(lines).match_file
    except ImportError:
        raise ConfigurationError(_("Ignoring by patterns needs pathspec"), hint=_INSTALL) from None
    except ValueError as error:
        text = _("A pattern cannot be used (%(why)s)", why=str(error))
        raise ConfigurationError(text, hint=_PATTERN) from None


# --- the walk ---------------------------------------------------------------------------------


def _walk(root: str, ignored: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Yield each path that is not ignored, and the start of its real one; of a link, all of it."""
    waiting: list[tuple[str, tuple[str, ...]]] = [("", (root,))]
    while waiting:
        below, trail = waiting.pop()
        for entry in _entries(trail[-1], below):
            # A broken link is no folder, but a pattern may leave it out.
            is_link = entry.is_symlink()
            is_folder = os.path.isdir(entry.path) if is_link else entry.is_dir()
            slash = "/" if is_folder else ""
            path = below + entry.name + slash
            if ignored(path):
                continue
            real = _follow(entry, path, trail) if is_link else entry.path
            # No link publishes a file that is left out.
            if is_link and ignored(os.path.relpath(real, root) + slash):
                continue
            if is_folder:
                waiting.append((path, (*trail, real)))
            elif entry.is_file():
                is_below = real.endswith(f"/{path}")  # as is all but links
                yield path, sys.intern(real.removesuffix(path)) if is_below else real
            else:
                text = _("%(path)r is no file, but a pipe or a device", path=path)
                raise unusable(text, _SPECIAL)


def _entries(folder: str, below: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        what = {"folder": below or folder, "why": error.strerror}
        text = _("The folder %(folder)r cannot be read (%(why)s)", **what)
        raise unusable(text, _FOLDER) from None


def _follow(entry: os.DirEntry[str], path: str, trail: tuple[str, ...]) -> str:
    """Follow a link, but never out of the tree: other files must not become public."""
    try:
        real = os.path.realpath(entry.path, strict=True)
    except OSError:
        raise unusable(_("The link %(link)r leads nowhere", link=path), _LINK) from None
    if not Path(real).is_relative_to(trail[0]):
        text = _("The link %(link)r leads out of the tree, to %(target)r", link=path, target=real)
        raise unusable(text, _LINK)
    if real in trail:
        text = _("The link %(link)r leads back to a folder that it is in", link=path)
        raise unusable(text, _LINK)
    return real
