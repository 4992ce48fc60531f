"""Compare rows of the log with the objects that are at their keys now."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, takewhile
from time import monotonic

from django.db.models import TextChoices

from ..conf import aliases
from ..core.match import Match, match
from ..core.naming import common_prefix
from ..core.retry import REQUEST
from ..core.types import RemoteFile
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _
from ..models import UploadLog
from ..upload import workers as pool
from ..upload.presence import Presence, find
from ..upload.store import Store, get_store
from .owner import owning_alias

FEW = 20  # keys that are looked up one by one: no more calls than workers
SWEPT = 20_000  # objects of a folder that are listed at most: 20 calls of WeChat's daily quota

_NO_STORE = _("No store in STORAGES can be asked for what is in the cloud")
_ADD_ONE = _("Add one whose BACKEND is wx_static_store.storage.WxStorage.")


class CloudState(TextChoices):
    """The state of the object at the key of a row."""

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


def compare_uploads(rows: Iterable[UploadLog], *, seconds: float = REQUEST) -> list[ComparedUpload]:
    """Compare each key of these rows once, as far as time allows; raise what the list raises."""
    until = monotonic() + seconds
    by_env: defaultdict[str, dict[str, UploadLog]] = defaultdict(dict)
    for row in rows:
        if row.key:
            by_env[row.env].setdefault(row.key, row)
    return [one for env, of in by_env.items() for one in _compare_in(env, of, until)]


def _compare_in(env: str, rows: dict[str, UploadLog], until: float) -> list[ComparedUpload]:
    rows |= UploadLog.objects.newest(env, rows)
    # A store that owns a row, or else any store: each can list any environment.
    using = next(filter(None, chain(map(owning_alias, rows.values()), aliases())), "")
    if not using:
        raise ConfigurationError(_NO_STORE, hint=_ADD_ONE)
    cloud = _cloud(get_store(using, env), list(rows), until)
    compared = []
    for key, row in rows.items():
        remote = cloud.get(key)
        state = CloudState.UNREACHED if key not in cloud else CloudState(match(row, remote))
        # Lists leave out objects with the deletion marker.
        if state is CloudState.MISSING and row.is_deletion:
            state = CloudState.DELETED
        compared.append(ComparedUpload(row, remote, state))
    return compared


def _cloud(store: Store, keys: list[str], until: float) -> dict[str, RemoteFile | None]:
    """Return the objects at these keys that time allows: by a list, or by a call for each."""
    # A call lists up to 1,000 objects, so a list is cheaper for many keys. In a huge folder it does
    # not reach all keys; the rest is looked up one by one.
    found: dict[str, RemoteFile | None] = {}
    if len(keys) > FEW and monotonic() < until:
        found = _find_in_list(store, keys, until)
    left = [key for key in keys if key not in found]
    asked = pool.run(
        lambda key: (key, Presence(key, None, find(store, key)).file),
        takewhile(lambda _key: monotonic() < until, left),
        max_workers=store.options.max_workers,
    )
    return found | dict(asked)


def _find_in_list(store: Store, keys: list[str], until: float) -> dict[str, RemoteFile | None]:
    """Return the keys that one list decides: all, unless it was too long."""
    found: dict[str, RemoteFile | None] = {}
    wanted = set(keys)
    for number, file in enumerate(store.sweep(common_prefix(keys))):
        if file.key in wanted:
            found[file.key] = file
        if len(found) == len(wanted):
            break
        if number + 1 == SWEPT or monotonic() >= until:
            return found
    return dict.fromkeys(keys) | found
