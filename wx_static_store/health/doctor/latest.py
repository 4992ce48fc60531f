"""The newest results, in the shared cache: for the admin, the API and monitors."""

from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic, time
from typing import Any

from django.utils import translation

from ...conf import platform_options
from ...core.notes import Notes
from ...exceptions import ConfigurationError
from .examination import examine
from .findings import Result
from .report import as_dict
from .table import CHECKS
from .target import CheckTarget

WITHIN = 20.0  # seconds for all checks: servers give up a request after 30
KEPT = 24 * 60 * 60
_LANGUAGES = ("en", "zh-hans")  # in which the texts are kept, beside that of who asked


def latest(max_age: float = KEPT) -> dict[str, Any] | None:
    """
    Return the newest results in the reader's language; None if they are older.

    They are the values of `as_dict`, and the time as `examined`.
    """
    kept = _notes().read("latest")
    return _read(kept) if kept and time() - kept["examined"] <= max_age else None


def examined(max_age: float = 0.0) -> dict[str, Any]:
    """Return results of at most this age in seconds, or ask the checks that need no probe."""
    started = monotonic()
    if max_age and (found := latest(max_age)):
        return found
    target = CheckTarget()
    left = WITHIN - (monotonic() - started)  # a cache that is away may have cost a timeout
    return keep([*examine(target, CHECKS, within=left)], cached=not target.cache_is_away)


def keep(results: Sequence[Result], *, cached: bool = True) -> dict[str, Any]:
    """Keep the results for all processes, if `cached`; return them in the reader's language."""
    reports = {}
    # Texts are made now, in each language: the findings hold lazy texts, which JSON cannot keep.
    for language in {translation.get_language() or "en", *_LANGUAGES}:
        with translation.override(language):
            reports[language] = as_dict(results)
    kept = {"examined": time(), "reports": reports}
    if cached:
        _notes().write("latest", kept)
    return _read(kept)


def _read(kept: dict[str, Any]) -> dict[str, Any]:
    reports = kept["reports"]
    shown = reports.get(translation.get_language() or "en") or reports["en"]
    return {**shown, "examined": datetime.fromtimestamp(kept["examined"], UTC)}


def _notes() -> Notes:
    try:
        alias = platform_options().token_cache
    except ConfigurationError:  # it is among the results
        alias = ""
    return Notes("health", alias, seconds=KEPT)
