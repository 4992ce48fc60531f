"""Compare rows of the log with what the cloud has under their keys now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, takewhile
from time import monotonic

from django.db.models import TextChoices

from ..conf import aliases
from ..core.match import Match, match
from ..core.naming import common_folder
from ..core.types import RemoteFile
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _
from ..models import UploadLog
from ..upload import workers as pool
from ..upload.store import Store, get_store
from .owner import owning_alias

FEW = 20  # keys that are asked for one by one: no more calls than workers
SECONDS = 60.0  # in which calls are begun; whoever waits for a page waits for the last of them, too
SWEPT = 20_000  # objects of a folder that are listed, at most: twenty calls of WeChat's daily quota


_NO_STORE = _("No store in STORAGES can be asked for what is in the cloud")
_ADD_ONE = _("Add one whose BACKEND is wx_static_store.storage.WxStorage.")


class CloudState(TextChoices):
    """What the cloud has under the key of a row."""

    SAME = Match.SAME, _("the same")
    UNSURE = Match.UNSURE, _("of the same size: the list shows no MD5")
    DIFFERS = Match.DIFFERS, _("differs")
    MISSING = Match.MISSING, _("missing, or deleted")
    DELETED = "deleted", _("deleted, as the log says")
    UNREACHED = "unreached", _("not reached: the time was up")


@dataclass(frozen=True, slots=True)
class ComparedUpload:
    """The newest row of a key, and the object there."""

    row: UploadLog
    remote: RemoteFile | None
    state: CloudState


def compare_uploads(rows: Iterable[UploadLog], *, seconds: float = SECONDS) -> list[ComparedUpload]:
    """
    Compare each key of these rows once; a refused name has none. Raises what the list raises.

    A key that is not asked for within `seconds` is not reached.
    """
    until = monotonic() + seconds
    by_env: defaultdict[str, dict[str, UploadLog]] = defaultdict(dict)
    for row in rows:
        if row.key:
            by_env[row.env].setdefault(row.key, row)
    return [one for env, of in by_env.items() for one in _compare_in(env, of, until)]


def _compare_in(env: str, rows: dict[str, UploadLog], until: float) -> list[ComparedUpload]:
    rows |= UploadLog.objects.newest(env, rows)
    # A store that owns a row, or any: each can list any environment.
    using = next(filter(None, chain(map(owning_alias, rows.values()), aliases())), "")
    if not using:
        raise ConfigurationError(_NO_STORE, hint=_ADD_ONE)
    cloud = _cloud(get_store(using, env), list(rows), until)
    return [
        ComparedUpload(row, cloud[key], _state(row, cloud[key]))
        if key in cloud
        else ComparedUpload(row, None, CloudState.UNREACHED)
        for key, row in rows.items()
    ]


def _cloud(store: Store, keys: list[str], until: float) -> dict[str, RemoteFile | None]:
    """
    Return what is at these keys, as far as they were asked for: by a call for each, or by a list.

    A call lists up to 1,000 objects, so the list is cheaper for many keys, unless the folder is
    huge: keys that it has not reached are then asked for one by one.
    """
    found: dict[str, RemoteFile | None] = {}
    if len(keys) > FEW and monotonic() < until:
        found = _find_in_list(store, keys, until)
    left = [key for key in keys if key not in found]
    asked = pool.run(
        lambda key: (key, store.find(key)),
        takewhile(lambda _key: monotonic() < until, left),
        max_workers=store.options.max_workers,
    )
    return found | dict(asked)


def _find_in_list(store: Store, keys: list[str], until: float) -> dict[str, RemoteFile | None]:
    """Return what the folder's list has of them; all, where it was read as far as needed."""
    found: dict[str, RemoteFile | None] = {}
    wanted = set(keys)
    for number, file in enumerate(store.sweep(common_folder(keys))):
        if file.key in wanted:
            found[file.key] = file
        if len(found) == len(wanted):
            break
        if number + 1 == SWEPT or monotonic() >= until:
            return found
    return dict.fromkeys(keys) | found


def _state(row: UploadLog, remote: RemoteFile | None) -> CloudState:
    if remote is None and row.is_deletion:
        return CloudState.DELETED
    return CloudState(match(row, remote))
