"""Rows of the log against the cloud: what does it hold under their keys now?"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import TextChoices

from . import pool
from .conf import aliases
from .models import UploadLog
from .reopen import keeper
from .store import Store, get_store
from .texts import gettext_lazy as _
from .transfers import DELETED_MD5, RemoteFile

__all__ = ["Compared", "Verdict", "compared"]

FEW = 20  # keys that are asked for one by one: no more calls than workers
SWEPT = 20_000  # objects of a folder that are listed, at most: twenty calls of WeChat's daily quota


class Verdict(TextChoices):
    """What the cloud has, beside what the log says."""

    SAME = "same", _("the same")
    UNSURE = "unsure", _("of the same size: the list tells no MD5")
    DIFFERS = "differs", _("differs")
    MISSING = "missing", _("missing, or deleted")
    DELETED = "deleted", _("deleted, as the log says")


@dataclass(frozen=True, slots=True)
class Compared:
    """The newest row of a key, and the object there."""

    row: UploadLog
    remote: RemoteFile | None
    verdict: Verdict


def compared(rows: Iterable[UploadLog]) -> list[Compared]:
    """Each key of these rows once; a refused name has none. Raises what the list raises."""
    by_env: defaultdict[str, dict[str, UploadLog]] = defaultdict(dict)
    for row in rows:
        if row.key:
            by_env[row.env].setdefault(row.key, row)
    return [one for env, of in by_env.items() for one in _compared_in(env, of)]


def _compared_in(env: str, rows: dict[str, UploadLog]) -> list[Compared]:
    rows |= UploadLog.objects.newest(env, rows)
    cloud = _cloud(_store_of(env, rows), list(rows))
    return [
        Compared(row, cloud.get(key), _verdict(row, cloud.get(key))) for key, row in rows.items()
    ]


def _store_of(env: str, rows: Mapping[str, UploadLog]) -> Store:
    """Any store can list any environment; one that writes there knows the site's address."""
    using = next(filter(None, map(keeper, rows.values())), "") or aliases()[0]
    return get_store(using, env)


def _cloud(store: Store, keys: list[str]) -> dict[str, RemoteFile]:
    """
    What is at these keys: by one call for each, or by a list of their folder.

    A call lists up to 1,000 objects, so the list is cheaper for many keys, unless the folder is
    huge: keys that it has not reached are then asked for one by one.
    """
    found, whole = ({}, False) if len(keys) <= FEW else _listed(store, keys)
    left = [] if whole else [key for key in keys if key not in found]
    asked = pool.run(store.find, left, max_workers=store.options.max_workers)
    return found | {file.key: file for file in asked if file}


def _listed(store: Store, keys: list[str]) -> tuple[dict[str, RemoteFile], bool]:
    """What the folder's list has of them, and whether it need not be read on."""
    found: dict[str, RemoteFile] = {}
    wanted = set(keys)
    for number, file in enumerate(store.sweep(_folder(keys))):
        if number == SWEPT:
            return found, False
        if file.key in wanted:
            found[file.key] = file
        if len(found) == len(wanted):
            break
    return found, True


def _folder(keys: list[str]) -> str:
    common = os.path.commonprefix(keys)  # noqa: RUF071 -- of texts, cut at a slash
    return common[: common.rfind("/") + 1]


def _verdict(row: UploadLog, remote: RemoteFile | None) -> Verdict:
    if remote is None:
        return Verdict.DELETED if row.md5 == DELETED_MD5 else Verdict.MISSING
    if row.size not in (None, remote.size):
        return Verdict.DIFFERS
    if not (row.md5 and remote.md5):
        return Verdict.UNSURE
    return Verdict.SAME if row.md5 == remote.md5 else Verdict.DIFFERS
