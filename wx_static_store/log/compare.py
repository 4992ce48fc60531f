"""Compare rows of the log with the objects that are at their keys now."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from time import monotonic

from django.db.models import TextChoices

from ..conf import aliases
from ..core.match import Match, match
from ..core.retry import REQUEST
from ..core.types import NOT_STORED, RemoteFile
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _
from ..models import UploadLog
from ..upload.listing import Lookup, most_calls
from ..upload.presence import Presence, marked
from ..upload.store import get_store
from ..upload.workers import WorkerPool
from .owner import owning_alias

_NO_STORE = _("No store in STORAGES can be asked for what is in the cloud")
_ADD_ONE = _("Add one whose BACKEND is wx_static_store.storage.WxStorage.")


class CloudState(TextChoices):
    """The state of the object at the key of a row."""

    SAME = Match.SAME, _("the same")
    UNSURE = Match.UNSURE, _("of the same size: the list shows no MD5")
    DIFFERS = Match.DIFFERS, _("differs")
    MISSING = Match.MISSING, _("missing, or deleted")
    NOT_STORED = "not_stored", _("not there: its upload did not succeed")
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
    store, keys = get_store(using, env), sorted(rows)
    with WorkerPool(store.options.max_workers) as pool:
        listing = Lookup(store, pool, most_calls(keys), until).ask(keys)
    if listing.error:
        raise listing.error
    compared = []
    for key, row in rows.items():
        file = listing.files.get(key)
        remote = Presence(key, None, marked(store, file)).file if file else None
        state = CloudState.UNREACHED if key in listing.unseen else CloudState(match(row, remote))
        # No object is compared with the deletion marker.
        if state is CloudState.MISSING and (row.is_deletion or row.status in NOT_STORED):
            state = CloudState.DELETED if row.is_deletion else CloudState.NOT_STORED
        compared.append(ComparedUpload(row, remote, state))
    return compared
