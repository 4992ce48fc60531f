"""
Submit once: for a day, a second submission shows the answer to the first.

The admin or the API decides which answers are kept. The outcome of a submission that broke off is
kept as unknown. Without a kept answer, the same submission may be sent again.
"""

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, IntegrityError, connections, router, transaction
from django.db.models import Q, QuerySet
from django.http import Http404

from ..core.frames import is_from_signal
from ..exceptions import WxStaticStoreError
from ..i18n import english
from ..models import IdempotencyKey
from ..models.columns import Now
from ..upload.workers import every

T = TypeVar("T")
Found = Mapping[str, Any]  # the row of the first submission, as it stands by the database's clock

logger = logging.getLogger("wx_static_store.submit")

KEPT = timedelta(days=1)
LEASE = 30.0  # seconds after which a killed submission is known; a running one prolongs it
# A sender raises these before a byte was sent.
_UNSENT = (WxStaticStoreError, Http404, PermissionDenied, DatabaseError, OSError)


class Unanswered(Exception):
    """
    The first submission has no answer to show; `code` says why.

    ``in_progress``, ``unknown`` (it broke off), ``other_body`` (it had another content), ``unseen``
    (there is none), or ``busy``: the database failed, and without it a file might be sent twice.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Submission:
    """
    A row in the database; its unique digest decides which of two submissions is the first.

    Its times are the database's: the clocks of hosts may differ.
    """

    def __init__(
        self, identity: str, fingerprint: str = "", about: Mapping[str, Any] | None = None
    ) -> None:
        self.digest = sha256(identity.encode()).hexdigest()
        self._fingerprint = fingerprint
        self._about = json.dumps(about) if about else ""

    def first_answer(self) -> Any:
        """Return the answer of the first submission, None if this one is; raises Unanswered."""
        found = _ask_database(self._claim)
        if found is None:
            return None
        if found["fingerprint"] not in ("", self._fingerprint):  # a cancelled one has none
            raise Unanswered("other_body")
        return _answer_of(found)

    def about(self) -> Any:
        """Return what the first submission was about, None if it did not say."""
        found = self._row.values_list("about", flat=True).first()
        return json.loads(found) if found else None

    def keep(self, answer: Any) -> None:
        """Keep the answer, which every later submission gets."""
        self._row.update(answer=json.dumps(answer, cls=DjangoJSONEncoder))

    def look(self) -> Any:
        """Return the kept answer; raises Unanswered."""
        found = _ask_database(self._read)
        if found is None or not found["kept"]:
            raise Unanswered("unseen")
        return _answer_of(found)

    def cancel(self, answer: Any) -> Any:
        """Return the kept answer; raises Unanswered if the submission is running."""
        # One that has not begun is claimed: if it arrives later, it only gets this answer.
        found = _ask_database(partial(self._claim, json.dumps(answer)))
        return answer if found is None else _answer_of(found)

    def send(
        self,
        send: Callable[[], T],
        answer_of: Callable[[T], Any],
        unsent: tuple[type[Exception], ...] = (),
    ) -> T:
        """Send, and keep the answer that `answer_of` makes of the result, unless that is None."""
        keep: Callable[[], object] = self._break_off
        try:
            with every(LEASE / 3, self._prolong):
                result = send()
            keep = partial(self._keep, result, answer_of)
        except Exception as error:
            if isinstance(error, (*_UNSENT, *unsent)) and not is_from_signal(error):
                # Before a byte was sent it may be sent again; later, the outcome is unknown.
                keep = self._row.delete
            raise
        finally:
            with suppress(Exception):  # the file is where it is, whatever the database does
                keep()
        return result

    def _claim(self, answer: str = "") -> Found | None:
        """Return the row of the first submission, or None if this one claimed it."""
        ours = {
            "fingerprint": self._fingerprint,
            "about": self._about,
            "running_until": Now() + timedelta(seconds=LEASE),
            "expires": Now() + KEPT,
            "answer": answer,
        }
        with suppress(IntegrityError), transaction.atomic(using=self._row.db):
            self._row.create(digest=self.digest, **ours)
            return None
        found = self._read()
        if found is None:  # deleted at this moment
            raise Unanswered("in_progress")
        if found["kept"]:
            return found
        if not self._row.filter(expires__lte=Now()).update(**ours):
            raise Unanswered("in_progress")  # another submission has taken it over
        return None

    def _read(self) -> Found | None:
        running, kept = Q(running_until__gt=Now()), Q(expires__gt=Now())
        return self._row.values("fingerprint", "answer", running=running, kept=kept).first()

    def _prolong(self) -> None:
        """Prolong the lease, in a thread that gives its connection back at once."""
        with suppress(Exception):  # the next time, or the submission seems to be killed
            self._row.update(running_until=Now() + timedelta(seconds=LEASE))
        connections[self._row.db].close()

    def _break_off(self) -> None:
        self._row.update(running_until=Now())

    def _keep(self, result: T, answer_of: Callable[[T], Any]) -> None:
        answer = answer_of(result)
        if answer is None:
            self._row.delete()
        else:
            self.keep(answer)

    @property
    def _row(self) -> QuerySet[IdempotencyKey]:
        rows = IdempotencyKey._base_manager.using(router.db_for_write(IdempotencyKey))
        return rows.filter(digest=self.digest)


def _ask_database(ask: Callable[[], Found | None]) -> Found | None:
    """Return the row that `ask` reads; raises Unanswered if the database fails."""
    try:
        return ask()
    except (DatabaseError, ImproperlyConfigured) as error:
        logger.error("%s: %s", type(error).__name__, english(error).partition("\n")[0])
        raise Unanswered("busy") from error


def _answer_of(found: Found) -> Any:
    if not found["answer"]:
        raise Unanswered("in_progress" if found["running"] else "unknown")
    return json.loads(found["answer"])
