"""How one uploaded file fared, and the memory of it for whoever submits it twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256

from django.core.cache import caches
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..conf import platform_options
from ..core import qr
from ..core.naming import content_type
from ..core.types import UploadStatus

REMEMBERED = 3600  # seconds in which a second submit is told how the first one ended

REFUSED, RUNNING = "refused", "running"
LABELS = {
    UploadStatus.STORED.value: ("✓", _("Public now")),
    UploadStatus.FAILED.value: ("✗", _("Failed")),
    UploadStatus.UNKNOWN.value: ("?", _("Unknown: it was sent, but no answer came")),
    REFUSED: ("✗", _("Refused")),
    RUNNING: ("…", _("This file is being uploaded; the log will tell how it ended")),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one file fared, as the page shows it and the cache remembers it."""

    name: str
    status: str = RUNNING
    url: str = ""
    link: str = ""  # the address, if a page may link to it
    size: int | None = None
    errcode: int | None = None
    message: str = ""
    errmsg: str = ""
    hint: str = ""
    row: int | None = None

    @property
    def ok(self) -> bool:
        return self.status == UploadStatus.STORED

    @property
    def icon(self) -> str:
        return LABELS[self.status][0]

    @property
    def label(self) -> str | Promise:
        return LABELS[self.status][1]

    @property
    def is_image(self) -> bool:
        return content_type(self.name).startswith("image/")

    @property
    def qr(self) -> SafeString:
        return qr.svg(self.url) if self.url else SafeString()


class Memory:
    """How one submission ended, for whoever sends it again; without a cache nobody remembers."""

    def __init__(self, request: HttpRequest, submission: str) -> None:
        digest = sha256(f"{request.user.pk}:{submission}".encode()).hexdigest()
        self._key = f"wx_static_store:submission:{digest}"
        self._cache = caches[platform_options().token_cache]

    def once(self, name: str, send: Callable[[], Outcome], *, seconds: int) -> Outcome:
        """
        What became of the first submission, which this may be.

        It is taken to be under way for so many seconds: a killed worker never tells how it ended.
        """
        if first := self._claimed(name, seconds):
            return first
        outcome = None
        try:
            outcome = send()
            return outcome
        finally:
            self._keep(outcome)

    def _claimed(self, name: str, seconds: int) -> Outcome | None:
        with suppress(Exception):
            if not self._cache.add(self._key, _as_json(Outcome(name)), seconds):
                return Outcome(**json.loads(self._cache.get(self._key)))
        return None

    def _keep(self, outcome: Outcome | None) -> None:
        """A refusal is not kept: it had no effect, and the next answer may differ."""
        with suppress(Exception):
            if outcome is None or outcome.status == REFUSED:
                self._cache.delete(self._key)
            else:
                self._cache.set(self._key, _as_json(outcome), REMEMBERED)


def _as_json(outcome: Outcome) -> str:
    """A cache holds texts only: an object would be unpickled."""
    return json.dumps(asdict(outcome))
