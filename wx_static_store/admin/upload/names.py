"""Find other names for a file whose own name is taken, for users who keep both files."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from django.utils.crypto import get_random_string

from ...core.types import UploadStatus
from ...models import UploadLog
from ...submit.policy import Target
from ...upload.database import in_database
from .form import display_name

Rows = Mapping[str, UploadLog] | None

MOST, FEW = 50, 3  # numbered names for one file, and for each of a thousand files
ASKED = 1000  # keys that are looked up in the log
TRIES = 4  # numbered names that the store is asked about


def candidates(to: Target, name: str, md5: str, wish: str = "") -> Iterator[tuple[str, bool]]:
    """Yield names to try, the best first, and whether the log has the same bytes at this name."""
    # The file's own name, unless the log has other bytes there.
    row = (sent_rows(to.env, [display_name(to, name)]) or {}).get(display_name(to, name))
    if row is None or row.is_deletion or _has_bytes(row, md5):
        yield name, _has_bytes(row, md5)
    same, free = _numbered_names(to, {name: md5}, ())[name]
    yield from ((each, True) for each in same[:1])
    if wish:  # the name that the preview showed
        yield wish, False
    yield from ((each, False) for each in free[:TRIES] if each != wish)
    yield _renamed(name, f"_{get_random_string(7)}"), False  # free, as those of Django's storages


def names_beside(to: Target, files: Mapping[str, str], taken: Collection[str]) -> Mapping[str, str]:
    """Return another name for each file, given by name and MD5 (empty if unknown)."""
    # The log has the same bytes at this name, or neither the log nor `taken` has the name.
    found = _numbered_names(to, files, taken)
    return {
        name: [*same, *free, _renamed(name, f"_{get_random_string(7)}")][0]
        for name, (same, free) in found.items()
    }


def sent_rows(env: str, keys: Iterable[str]) -> Rows:
    """Return the newest row of each key whose bytes were sent; None without a log."""
    # A failed upload changed nothing: the file before it is still public.
    sent = UploadLog.objects.filter(status__in=[UploadStatus.STORED, UploadStatus.UNKNOWN])
    return in_database(lambda: sent.newest(env, keys), otherwise=None)


def _numbered_names(
    to: Target, files: Mapping[str, str], taken: Collection[str]
) -> dict[str, tuple[list[str], list[str]]]:
    """For each name, return the names with the same bytes in the log, and the free names."""
    most = min(MOST, max(FEW, ASKED // (len(files) or 1)))
    numbers = range(2, 2 + most)
    names = {name: [_renamed(name, f"-{number}") for number in numbers] for name in files}
    keys = {each: display_name(to, each) for found in names.values() for each in found}
    rows = (sent_rows(to.env, keys.values()) if keys else None) or {}
    return {
        name: (
            [each for each in names[name] if _has_bytes(rows.get(keys[each]), md5)],
            [each for each in names[name] if keys[each] not in rows and each not in taken],
        )
        for name, md5 in files.items()
    }


def _has_bytes(row: UploadLog | None, md5: str) -> bool:
    return bool(row and md5 and row.md5 == md5 and not row.is_deletion)


def _renamed(name: str, addition: str) -> str:
    """Return the name with an addition before its ending."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}{addition}.{ending}" if dot and "/" not in ending else name + addition
