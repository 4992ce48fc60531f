"""Report the result of a deploy to one or many environments: as JSON, and on a terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.core.management.base import CommandError

from ..core.types import RemoteFile, UploadResult, UploadStatus
from ..exceptions import NameRejected, SourceError, WxStaticStoreError
from ..i18n import aligned, gettext, gettext_lazy as _, joined, labelled, listed, ngettext, shown
from .verify import Mismatch, Verification

VERSION = 1  # of the JSON; it grows when a member changes its meaning or goes
SHOWN = 10  # characters of a release's digest
TEXTS = 2  # columns of the overview that are not numbers
NAMED = 3  # files of one cause
CHANGED = _("the file here changed while it was sent: run it again")

COUNTS = {
    "stored": _("stored"),
    "unchanged": _("unchanged"),
    "failed": _("failed"),
    "unknown": _("unknown"),
    "held_back": _("held back"),
    "not_attempted": _("not attempted"),
}

_OUTCOMES = {
    "done": _("done"),
    "failed": _("failed"),
    "interrupted": _("interrupted"),
    "skipped": _("skipped"),
}


class PublishFailed(CommandError):
    """Not everything was published; the text names each file, why, and the counts."""


@dataclass
class Report:
    """The result of a run; `held_back` files were not sent or blanked because of a failure."""

    skipped: int = 0
    stored: int = 0
    size: int = 0  # bytes that were stored
    changed: list[str] = field(default_factory=list)  # keys of files that changed on the way
    failures: list[UploadResult] = field(default_factory=list)
    held_back: int = 0
    not_attempted: int = 0
    broken_off: bool = False
    halted: bool = False  # a failure said that the rest would fail, too
    logged: bool = True  # all rows are written
    deployment_id: int | None = None
    notes: Sequence[str] = ()  # why the log decided, and not the list

    def add(self, result: UploadResult) -> None:
        if result.error:
            self.failures.append(result)
            return
        self.stored += 1
        self.size += result.size or 0
        if result.changed:
            self.changed.append(result.key)

    @property
    def ok(self) -> bool:
        missing = self.failures or self.held_back or self.not_attempted
        return not (missing or self.changed or self.broken_off)

    @property
    def numbers(self) -> dict[str, int]:
        unknown = sum(result.status is UploadStatus.UNKNOWN for result in self.failures)
        return {
            "stored": self.stored,
            "unchanged": self.skipped,
            "failed": len(self.failures) - unknown,
            "unknown": unknown,
            "held_back": self.held_back,
            "not_attempted": self.not_attempted,
        }

    @property
    def counts(self) -> str:
        return gettext(
            "stored %(stored)d, unchanged %(unchanged)d, failed %(failed)d, unknown %(unknown)d, "
            "held back %(held_back)d, not attempted %(not_attempted)d",
            **self.numbers,
        )

    def raise_for_failures(self) -> None:
        """Raise PublishFailed unless everything is stored as planned."""
        if not self.ok:
            head = gettext("Not everything was published:")
            changed = (labelled(shown(key), CHANGED) for key in self.changed)
            lines = (f"  {line}" for line in (*self.failure_lines(), *changed))
            raise PublishFailed("\n".join([head, *lines, self.counts]))

    def failure_lines(self) -> list[str]:
        """Return a line for each cause: its file or number of files, and what to do."""
        alike: dict[Any, dict[str, WxStaticStoreError]] = {}
        for result in self.failures:
            if error := result.error:
                alike.setdefault(_cause(error), {})[result.name] = error
        return [*map(_failure_line, alike.values())]


def _cause(error: WxStaticStoreError) -> tuple[Any, ...]:
    """Return the part of an error that files with the same cause share."""
    of_the_file = isinstance(error, NameRejected | SourceError)
    message = str(error.message) if of_the_file else ""
    return type(error), error.code, str(error.hint), message


def _failure_line(errors: Mapping[str, WxStaticStoreError]) -> str:
    names, left = [shown(name) for name in sorted(errors)[:NAMED]], len(errors) - NAMED
    error = next(iter(errors.values()))
    if len(errors) == 1:
        return labelled(names[0], error)
    if left > 0:
        names.append(ngettext("and %(count)d more", "and %(count)d more", left))
    files = ngettext("%(count)d file", "%(count)d files", len(errors))
    which = gettext("%(what)s (%(facts)s)", what=files, facts=listed(names))
    return labelled(which, copy(error).with_context(key=""))


@dataclass(slots=True)
class EnvironmentReport:
    """
    The result of one environment: `outcome` is done, failed, interrupted or skipped.

    `stale` files are in the cloud and not in the tree; `blanked` of them were overwritten. Files in
    `uploads` were put there by people. `release` is the digest of the deployed release.
    """

    env: str
    address: str = ""
    outcome: str = "done"
    report: Report | None = None
    error: str = ""
    cause: Exception | None = None  # the error itself, if the deploy broke off
    release: str = ""
    canary: bool = False
    verified: Verification | None = None
    findings: list[Mismatch] = field(default_factory=list)
    stale: list[RemoteFile] = field(default_factory=list)
    uploads: list[RemoteFile] = field(default_factory=list)
    blanked: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Return whether all is published, and verification found no difference."""
        return self.outcome == "done" and not self.findings

    @property
    def causes(self) -> list[Exception]:
        """Return the errors that broke it off, or that made files fail."""
        failures = self.report.failures if self.report else []
        return [*filter(None, [self.cause, *(result.error for result in failures)])]


def as_dict(
    environments: Sequence[EnvironmentReport],
    *,
    using: str,
    source: str,
    started: float,
    seconds: float,
) -> dict[str, Any]:
    """Return a whole run as JSON; `source` is its label. Only sentences are translated."""
    return {
        "version": VERSION,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "using": using,
        "source": source,
        "environments": [*map(_environment, environments)],
    }


def _environment(environment: EnvironmentReport) -> dict[str, Any]:
    report, verified = environment.report or Report(), environment.verified
    return {
        "env": environment.env,
        "address": environment.address,
        "outcome": environment.outcome,
        "error": environment.error,
        "seconds": round(environment.seconds, 3),
        "counts": report.numbers,
        "bytes": report.size,
        "release": environment.release,
        "failures": [_failure(result) for result in report.failures],
        "notes": [*report.notes],
        "canary": environment.canary,
        "verified": {"files": verified.files, "pages": verified.pages} if verified else None,
        "findings": [asdict(finding) for finding in environment.findings],
        "stale": [file.key for file in environment.stale],
        "uploads": [file.key for file in environment.uploads],
        "blanked": environment.blanked,
    }


def _failure(result: UploadResult) -> dict[str, Any]:
    error = result.error
    return {
        "name": result.name,
        "key": result.key,
        "status": result.status.value,
        "stage": result.stage,
        "errcode": result.errcode,
        "message": error.what if error else "",
        "hint": error.full_hint if error else "",
        "rid": result.rid,
    }


def check_writable(path: Path) -> None:
    """Raise CommandError (2) before the deploy begins, if `write_json` would fail."""
    with _name_file_in_errors(path, returncode=2):
        if path.exists() and not path.is_file():
            raise FileExistsError(gettext("it is there, and is no file"))
        with NamedTemporaryFile(dir=os.path.dirname(os.path.realpath(path))):
            pass


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write a new file, and replace the old report by it; raise CommandError (1) if it fails."""
    # A link stays, its target is written.
    target = Path(os.path.realpath(path))
    new = target.with_name(f".{target.name[:50]}.{os.getpid()}")
    text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    with _name_file_in_errors(path, returncode=1):
        try:
            # Names may hold bytes that are no UTF-8: they become JSON's own escapes.
            new.write_text(text, encoding="utf-8", errors="backslashreplace")
            os.replace(new, target)
        finally:
            new.unlink(missing_ok=True)


@contextmanager
def _name_file_in_errors(path: Path, *, returncode: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = gettext(
            "The report cannot be written to %(path)s: %(why)s. "
            "Name a file in a folder where this user may write.",
            path=shown(str(path)),
            why=error.strerror or error,
        )
        raise CommandError(text, returncode=returncode) from None


def lines(environment: EnvironmentReport) -> list[str]:
    """Return the outcome of one environment, and a line for each problem."""
    outcome = _OUTCOMES[environment.outcome]
    how = gettext("%(how)s in %(seconds).1f s", how=outcome, seconds=environment.seconds)
    head = joined(filter(None, [labelled(environment.env, how), environment.address]))
    return [shown(head), *("  " + shown(line) for line in _details(environment))]


def _details(environment: EnvironmentReport) -> Iterator[str]:
    if report := environment.report:
        size = f"{report.size:,}"
        yield gettext("%(counts)s; %(size)s bytes", counts=report.counts, size=size)
        if environment.release:
            yield gettext("release %(digest)s", digest=environment.release[:SHOWN])
        yield from report.notes
        yield from report.failure_lines()
    yield from environment.error.splitlines()
    if verified := environment.verified:
        yield gettext(
            "verified: %(files)s by the cloud's list, %(pages)s by the public site",
            **_verified_counts(verified.files, verified.pages),
        )
    if environment.canary and environment.ok:
        yield gettext("canary: it is right")
    yield from (labelled(finding.key, finding.what) for finding in environment.findings)
    for file in environment.stale:
        yield gettext("%(key)s: stale, %(size)s bytes", key=file.key, size=f"{file.size:,}")
    for file in environment.uploads:
        yield gettext("%(key)s: uploaded by somebody, left alone", key=file.key)
    if environment.blanked:
        yield gettext("stale files overwritten: %(count)d", count=environment.blanked)


def _verified_counts(files: int, pages: int) -> dict[str, str]:
    return {
        "files": ngettext("%(count)d file", "%(count)d files", files),
        "pages": ngettext("%(count)d page", "%(count)d pages", pages),
    }


def total(data: dict[str, Any]) -> list[str]:
    """Return a table of all environments and their sum, then how much was verified."""
    rows = overview(data)
    numbers = range(TEXTS, len(rows[0]))
    return [*aligned(rows, right=numbers), *verification_lines(data)]


def verification_lines(data: dict[str, Any]) -> Iterator[str]:
    """Yield how much was verified in all environments, and which canaries are right."""
    if verified := [each["verified"] for each in data["environments"] if each["verified"]]:
        yield gettext(
            "verified in %(environments)s: %(files)s by the cloud's list, %(pages)s by the public "
            "site",
            environments=ngettext("%(count)d environment", "%(count)d environments", len(verified)),
            **_verified_counts(
                *(sum(each[what] for each in verified) for what in ("files", "pages"))
            ),
        )
    canaries = [each for each in data["environments"] if each["canary"]]
    if right := [shown(each["env"]) for each in canaries if each["outcome"] == "done"]:
        yield gettext("canaries that are right: %(envs)s", envs=listed(right))
    if wrong := [shown(each["env"]) for each in canaries if each["outcome"] != "done"]:
        yield gettext("canaries that are not right: %(envs)s", envs=listed(wrong))


def overview(data: dict[str, Any]) -> list[list[str]]:
    """Return the heading, a row for each environment, and the sums."""
    environments, names = data["environments"], [*Report().numbers]
    done = sum(each["outcome"] == "done" for each in environments)
    sums = {
        "env": gettext("total"),
        "outcome": gettext("%(done)d of %(all)d done", done=done, all=len(environments)),
        "counts": {name: sum(each["counts"][name] for each in environments) for name in names},
        "bytes": sum(each["bytes"] for each in environments),
        "seconds": data["seconds"],
    }
    counts = [str(COUNTS[name]) for name in names]
    heading = [gettext("environment"), gettext("outcome"), *counts, gettext("bytes")]
    rows = [[*heading, gettext("seconds")]]
    for each in (*environments, sums):
        numbers = [f"{number:,}" for number in (*each["counts"].values(), each["bytes"])]
        outcome = str(_OUTCOMES.get(each["outcome"], each["outcome"]))
        rows.append([shown(each["env"]), outcome, *numbers, f"{each['seconds']:.1f}"])
    return rows
