"""Report the result of a deploy to one or many environments: as JSON, and on a terminal."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError

from ..core.types import RemoteFile, UploadResult, UploadStatus
from ..exceptions import NameRejected, SourceError, WxStaticStoreError
from ..i18n import aligned, gettext, gettext_lazy as _, joined, labelled, listed, ngettext, shown
from .verify import Mismatch, Verification

VERSION = 1  # of the JSON; it grows when a member changes its meaning or goes
SHOWN = 10  # characters of a release's digest
TEXTS = 2  # columns of the overview that are not numbers
NAMED = 3  # files or environments of one cause
FEW = 10  # environments that are all in the overview; of more, those that are not done
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
        return counts_line(self.numbers)

    def raise_for_failures(self) -> None:
        """Raise PublishFailed unless everything is stored as planned."""
        if not self.ok:
            head = gettext("Not everything was published:")
            changed = (labelled(shown(key), CHANGED) for key in self.changed)
            failures = EnvironmentReport("", report=self).failure_lines()
            lines = (f"  {line}" for line in (*failures, *changed))
            raise PublishFailed("\n".join([head, *lines, self.counts]))


@dataclass(slots=True)
class EnvironmentReport:
    """The result of one environment."""

    env: str
    address: str = ""
    outcome: str = "done"  # or failed, interrupted, skipped
    report: Report = field(default_factory=Report)
    error: str = ""
    cause: Exception | None = None  # the error itself, if the deploy broke off
    release: str = ""  # its digest
    canary: bool = False
    verified: Verification | None = None
    findings: list[Mismatch] = field(default_factory=list)
    stale: list[RemoteFile] = field(default_factory=list)  # in the cloud, but not in the tree
    uploads: list[RemoteFile] = field(default_factory=list)  # put there by people
    blanked: int = 0  # stale files that were overwritten
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)  # on the files, and on what the site serves

    @property
    def ok(self) -> bool:
        """Return whether all is published, and verification found no difference."""
        return self.outcome == "done" and not self.findings

    @property
    def causes(self) -> list[Exception]:
        """Return the errors that broke it off, or that made files fail."""
        return [*filter(None, [self.cause, *(one.error for one in self.report.failures)])]

    @property
    def failed(self) -> list[tuple[str, object]]:
        """Return each file that failed, and why; first why the environment as a whole did."""
        # The text of an unexpected exception might hold a secret.
        why = self.cause if isinstance(self.cause, WxStaticStoreError) else self.error
        whole: list[tuple[str, object]] = [("", why)] if why else []
        return [*whole, *((result.name, result.error) for result in self.report.failures)]

    def failure_lines(self) -> list[str]:
        """Return a line for each cause: its file or number of files, and what to do."""
        return [*causes(as_dict([self]))]


def as_dict(
    environments: Sequence[EnvironmentReport],
    *,
    using: str = "",
    source: str = "",
    started: float = 0.0,
    seconds: float = 0.0,
) -> dict[str, Any]:
    """Return a whole run as JSON; `source` is its label. Only sentences are translated."""
    return {
        "version": VERSION,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "using": using,
        "source": source,
        "url": environments[0].address if len(environments) == 1 else "",
        "causes": _by_cause(environments),
        "environments": [*map(_environment, environments)],
    }


def _environment(environment: EnvironmentReport) -> dict[str, Any]:
    report, verified = environment.report, environment.verified
    return {
        "env": environment.env,
        "address": environment.address,
        "outcome": environment.outcome,
        "error": environment.error,
        "seconds": round(environment.seconds, 3),
        "counts": report.numbers,
        "bytes": report.size,
        "release": environment.release,
        "failures": [
            {
                "name": result.name,
                "key": result.key,
                "status": result.status.value,
                "stage": result.stage,
                "errcode": result.errcode,
                "message": result.error.what if result.error else "",
                "hint": result.error.full_hint if result.error else "",
                "rid": result.rid,
            }
            for result in report.failures
        ],
        "notes": [*environment.notes, *report.notes],
        "canary": environment.canary,
        "verified": {"files": verified.files, "pages": verified.pages} if verified else None,
        "findings": [asdict(finding) for finding in environment.findings],
        "stale": [file.key for file in environment.stale],
        "uploads": [file.key for file in environment.uploads],
        "blanked": environment.blanked,
    }


# --- by cause ---------------------------------------------------------------------------------


def _by_cause(environments: Iterable[EnvironmentReport]) -> list[dict[str, Any]]:
    """Return each cause once, as JSON, with the environments and the files that failed by it."""
    alike = defaultdict[object, list[tuple[str, str, object]]](list)
    for each in environments:
        for file, error in each.failed:
            key: object = str(error)
            if isinstance(error, WxStaticStoreError):
                of_the_file = isinstance(error, NameRejected | SourceError)
                key = error.cause, str(error.message) if of_the_file else ""
            alike[key].append((each.env, file, error))
    # What somebody can do something about stands last, where people look first.
    return sorted(map(_as_json, alike.values()), key=lambda cause: cause["hint"] != "")


def _as_json(failed: Sequence[tuple[str, str, object]]) -> dict[str, Any]:
    envs, files, (error, *others) = zip(*failed, strict=True)
    facts: dict[str, Any] = {"cause": "", "errcode": None, "message": str(error), "hint": ""}
    if isinstance(error, WxStaticStoreError):
        one = error.in_general() if others else copy(error)
        facts |= {"cause": error.cause, "errcode": error.errcode, "hint": error.full_hint}
        facts["message"] = shown(str(one.with_context(hint="")))
    names = [*dict.fromkeys(filter(None, files))]
    return facts | {"environments": [*dict.fromkeys(envs)], "files": names}


def causes(data: dict[str, Any], *, most: int = NAMED) -> Iterator[str]:
    """Yield what failed by each cause, and why; of many environments, their names are first."""
    for cause in data["causes"]:
        which = [_environments(cause["environments"])] if len(data["environments"]) > 1 else []
        if files := cause["files"]:
            count = ngettext("%(count)d file", "%(count)d files", len(files))
            which.append(with_names(count, files, most))
        text, hint = cause["message"], cause["hint"]
        if hint:
            text = gettext("%(what)s. %(hint)s", what=text, hint=hint)
        yield from (labelled(joined(which), text) if which else text).splitlines()


def by_text(lines: Iterable[tuple[str, str]], *, many: bool) -> Iterator[str]:
    """Yield each line once, after the environments that it is about if the run has `many`."""
    alike = defaultdict[str, list[str]](list)
    for env, text in lines:
        alike[text].append(env)
    for text, envs in alike.items():
        yield labelled(_environments(envs), text) if many else text


def _environments(envs: Sequence[str]) -> str:
    return with_names(ngettext("%(count)d environment", "%(count)d environments", len(envs)), envs)


def with_names(count: str, names: Collection[str], most: int = NAMED) -> str:
    """Return the count with the first names, or the only name."""
    if len(names) == 1:
        return shown(*names)
    first = listed(map(shown, sorted(names)), most)
    return gettext("%(what)s (%(facts)s)", what=count, facts=first)


# --- on a terminal ----------------------------------------------------------------------------


def line(environment: EnvironmentReport) -> str:
    """Return the outcome of one environment, in short."""
    outcome = _OUTCOMES[environment.outcome]
    how = gettext("%(how)s in %(seconds).1f s", how=outcome, seconds=environment.seconds)
    failed = environment.causes if environment.outcome == "failed" else []
    errors = [error for error in failed if isinstance(error, WxStaticStoreError)]
    code = [error.code or error.cause for error in errors[:1]]
    parts = filter(None, [labelled(environment.env, how), environment.address, *code])
    return shown(joined(parts))


def ending(data: dict[str, Any], known: Collection[str] = ()) -> list[str]:
    """Return the last lines of a run: counts, or a table of many environments; facts; causes."""
    environments = data["environments"]
    found = [*facts(data, known), *(line for line in causes(data) if line not in known)]
    if len(environments) != 1:
        rows = overview(data)
        return [*aligned(rows, right=range(TEXTS, len(rows[0]))), *map(shown, found)]
    if environments[0]["outcome"] != "skipped":
        counts, size = counts_line(environments[0]["counts"]), f"{environments[0]['bytes']:,}"
        found.insert(0, gettext("%(counts)s; %(size)s bytes", counts=counts, size=size))
    return [f"  {shown(line)}" for line in found]


def counts_line(counts: dict[str, int]) -> str:
    return joined(f"{label} {counts[name]}" for name, label in COUNTS.items() if name in counts)


def facts(data: dict[str, Any], known: Collection[str] = ()) -> Iterator[str]:
    """Yield what else is to know of a run, each line once; `known` notes were shown before."""
    environments = data["environments"]
    found = [(each["env"], text) for each in environments for text in _facts(each, known)]
    for line in by_text(found, many=len(environments) > 1):
        # What to do about a cause stands there.
        for cause in data["causes"]:
            line = line.removesuffix(cause["hint"]).rstrip()
        yield line
    if verified := [each["verified"] for each in environments if each["verified"]]:
        files, pages = (sum(each[what] for each in verified) for what in ("files", "pages"))
        yield gettext(
            "verified: %(files)s by the cloud's list, %(pages)s by the public site",
            files=ngettext("%(count)d file", "%(count)d files", files),
            pages=ngettext("%(count)d page", "%(count)d pages", pages),
        )


def _facts(environment: dict[str, Any], known: Collection[str]) -> Iterator[str]:
    if environment["canary"]:
        right = environment["outcome"] == "done"
        yield gettext("canary: it is right") if right else gettext("canary: it is not right")
    if environment["release"]:
        yield gettext("release %(digest)s", digest=environment["release"][:SHOWN])
    yield from (note for note in environment["notes"] if note not in known)
    yield from (labelled(key, gettext("stale")) for key in environment["stale"])
    for key in environment["uploads"]:
        yield gettext("%(key)s: uploaded by somebody, left alone", key=key)
    if environment["blanked"]:
        yield gettext("stale files overwritten: %(count)d", count=environment["blanked"])
    yield from (labelled(finding["key"], finding["what"]) for finding in environment["findings"])


def overview(data: dict[str, Any]) -> list[list[str]]:
    """Return the heading, a row for each environment (of many: that is not done), and the sums."""
    environments, names = data["environments"], [*COUNTS]
    undone = [each for each in environments if each["outcome"] != "done"]
    done, every = len(environments) - len(undone), len(environments)
    sums = {
        "env": gettext("total"),
        "outcome": gettext("%(done)d of %(all)d done", done=done, all=every),
        "counts": {name: sum(each["counts"][name] for each in environments) for name in names},
        "bytes": sum(each["bytes"] for each in environments),
        "seconds": data["seconds"],
    }
    titles = [gettext("environment"), gettext("outcome"), *map(str, COUNTS.values())]
    rows = [[*titles, gettext("bytes"), gettext("seconds")]]
    for each in (*(undone if every > FEW else environments), sums):
        numbers = [f"{number:,}" for number in (*each["counts"].values(), each["bytes"])]
        outcome = str(_OUTCOMES.get(each["outcome"], each["outcome"]))
        rows.append([shown(each["env"]), outcome, *numbers, f"{each['seconds']:.1f}"])
    return rows
