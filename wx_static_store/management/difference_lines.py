"""A comparison of ``wx_deploy --diff``, as lines on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.releases import Change, ReleaseFile
from ..i18n import gettext as _, gettext_lazy, joined, labelled, ngettext, padded, shown, width
from ..releases.difference import Difference
from .deploy_options import CLOUD

KINDS = {
    "added": gettext_lazy("added"),
    "changed": gettext_lazy("changed"),
    "removed": gettext_lazy("removed"),
}
IN_CLOUD = {
    "removed": gettext_lazy("missing"),
    "changed": gettext_lazy("differs"),
    "added": gettext_lazy("stale"),
}
_HEADERS = {"content_type": "Content-Type", "cache_control": "Cache-Control"}


@dataclass(frozen=True)
class Side:
    """One side of a comparison: its name in the heading, its data in the JSON, and its files."""

    name: str
    data: Mapping[str, Any]
    files: Callable[[], Iterable[ReleaseFile]] = tuple


@dataclass
class EnvironmentComparison:
    """The difference in one environment; with an `error`, nothing was compared."""

    env: str
    folder: str
    sides: Sequence[Side] = ()
    difference: Difference = field(default_factory=lambda: Difference((), 0))
    error: str = ""

    @property
    def has_drifted(self) -> bool:
        """Return whether a file of the release is missing or differs in the cloud."""
        counts = self.difference.counts
        return self.in_cloud and bool(counts["changed"] or counts["removed"])

    @property
    def in_cloud(self) -> bool:
        return bool(self.sides) and self.sides[1].data["kind"] == CLOUD

    def as_dict(self) -> dict[str, Any]:
        before, after = [side.data for side in self.sides] or (None, None)
        about = {"env": self.env, "folder": self.folder, "error": self.error}
        return {**about, "before": before, "after": after, **self.difference.as_dict()}


def lines(comparison: EnvironmentComparison) -> Iterator[str]:
    """Yield a heading, a line for each file that differs, and the counts."""
    where = f"{comparison.env} /{comparison.folder}".removesuffix(" /")
    if comparison.error:
        yield shown(labelled(where, comparison.error))
        return
    difference = comparison.difference
    yield shown(labelled(where, " → ".join(side.name for side in comparison.sides)))
    yield from _table(comparison)
    before, after = (f"{size:,}" for size in difference.sizes)
    counts = _counts(_kinds(comparison), difference.counts)
    if difference:
        sizes = {"before": before, "after": after}
        yield _("%(counts)s; %(before)s → %(after)s bytes", counts=counts, **sizes)
    else:
        files = difference.unchanged
        yield ngettext("No difference: %(count)d file", "No difference: %(count)d files", files)
    if unsure := difference.unsure:
        yield _("%(count)d by size only: the list shows no MD5 of them", count=unsure)
    if uploads := len(difference.uploads):
        yield ngettext(
            "%(count)d file is left out: somebody uploaded it",
            "%(count)d files are left out: somebody uploaded them",
            uploads,
        )


def _kinds(comparison: EnvironmentComparison) -> Mapping[str, Any]:
    return IN_CLOUD if comparison.in_cloud else KINDS


def _table(comparison: EnvironmentComparison) -> Iterator[str]:
    changes, kinds = comparison.difference.changes, _kinds(comparison)
    rows = []
    for change in changes:
        sides = (change.before, change.after)
        before, after = (f"{side.size:,}" if side else "" for side in sides)
        arrow = f"{before} →" if before and after else f"{before}  "
        rows.append((str(kinds[change.kind]), arrow, after, _what(change)))
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for kind, before, after, what in rows:
        sizes = padded(before, widths[1], right=True), padded(after, widths[2], right=True)
        yield "  ".join([padded(kind, widths[0]), *sizes, what])


def _what(change: Change) -> str:
    """Return the name of a file, and the parts in which it differs."""
    old, new = change.before, change.after
    name = shown(change.name)
    if not (old and new):
        return name
    parts = [_("content")] if "bytes" in change.parts else []
    for part in change.parts[len(parts) :]:
        values = (getattr(old.headers, part), getattr(new.headers, part))
        parts.append(f"{_HEADERS[part]} {' → '.join(map(shown, values))}")
    return labelled(name, joined(parts))


def _counts(kinds: Mapping[str, Any], counts: Mapping[str, int]) -> str:
    names = {**kinds, "unchanged": gettext_lazy("unchanged")}
    return joined(f"{name} {counts[kind]:,}" for kind, name in names.items())


def total(comparisons: Sequence[EnvironmentComparison]) -> str:
    """Return a line on all environments of a comparison with the cloud."""
    counts = sum((Counter(each.difference.counts) for each in comparisons), Counter[str]())
    return _(
        "total: %(right)d of %(all)d environments are as the release says; %(counts)s",
        right=sum(not (each.error or each.has_drifted) for each in comparisons),
        all=len(comparisons),
        counts=_counts(IN_CLOUD, counts),
    )
