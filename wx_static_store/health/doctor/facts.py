"""The kinds of facts, and what probes have learned: for advice; one lets deploys send gzip."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from operator import mod
from typing import Any, NamedTuple

from django.utils.functional import lazy

from ...deploy.paths import FOLDERS, OWN_DOMAIN, SENTENCES
from ...i18n import ago, gettext_lazy as _, sentences_lazy
from ..models import Fact
from .findings import Text
from .target import CheckTarget

# KB a second: a default domain is said to give 100.
SLOW = 200
SOON = 5  # seconds that a list or the CDN may be late without harm


def is_soon(seconds: str) -> bool:
    # With a plus, the end was not waited for.
    return not seconds.endswith("+") and float(seconds) < SOON


class FactKind(NamedTuple):
    """A kind of fact: by its value a sentence, and advice which setting the reader may change."""

    sentences: Mapping[str, Text]  # "+" is for all values with a plus, "" for all others
    remedy: Text = ""
    is_well: Callable[[str], bool] = bool  # the value needs no remedy
    part_of: str = ""  # a fact that, learned without this one, ends it

    def sentence(self, value: str) -> Text:
        known, otherwise = self.sentences, "+" if value.endswith("+") else ""
        text = known.get(value) or known.get(otherwise) or known.get("", "%(value)s")
        return _filled_in(text, {"value": value.rstrip("+")})

    def advice(self, value: str) -> Text:
        return "" if self.is_well(value) else self.remedy


_filled_in: Callable[[Text, Mapping[str, str]], Text] = lazy(mod, str)

# An entry is read as one.
# fmt: off
CACHE_TIMES = _("Set the cache times of the CDN in the console of Tencent Cloud: the setting "
                "cache_control does not reach visitors.")
HASHED = _("Use names with a hash (WxManifestStaticFilesStorage) for all but pages, and shorten "
           "the cache time of the CDN in the console of Tencent Cloud.")
LOG = _("Keep the upload log: a deploy compares with it where the list names no MD5. With "
        "trust_log=True, the list is not asked.")
YOUNG = _("Wait this long after a deploy before you run wx_reconcile: WeChat's list is late.")
MOVED = _("Check cache times and other rules of the domain in the console: each edge has its own.")

FACT_KINDS = {
    "cors": FactKind(
        {"off": _("Browsers cannot PUT to the bucket: it has no CORS rule."),
         "on": _("Browsers may PUT to the bucket: it has a CORS rule.")},
        _("A page of your own may PUT to a link. The pages of this app do not need that."),
        "off".__eq__),
    "list_md5": FactKind(
        {"plain": _("The list names the MD5 of a file."),
         "multipart": _("The list names a tag with a suffix, not the MD5 of a file."),
         "none": _("The list names no MD5."),
         "other": _("The list names another MD5 than that of the file.")},
        LOG, "plain".__eq__),
    "list_lag_seconds": FactKind(
        {"0": _("The list shows a new file at once."),
         "": _("The list shows a new file after %(value)s s."),
         "+": _("The list lacks a new file for over %(value)s s.")},
        YOUNG, is_soon),
    "cache_control": FactKind(
        {"kept": _("Visitors get the Cache-Control that was sent with a file."),
         "none": _("Visitors get no Cache-Control."),
         "": _("Visitors get the Cache-Control '%(value)s'.")},
        CACHE_TIMES, "kept".__eq__),
    "attachment": FactKind(
        {"off": _("Browsers show the files of the public address."),
         "": _("Browsers download the files of the public address.")},
        OWN_DOMAIN, "off".__eq__),
    "speed": FactKind(
        {"": _("The public address gives %(value)s KB a second.")}, OWN_DOMAIN,
        lambda rate: float(rate) >= SLOW),
    **{name: FactKind(SENTENCES[name], how, right.__eq__)
       for name, (right, how) in FOLDERS.items()},
    "missing_path": FactKind(SENTENCES["missing_path"]),
    "notice_page": FactKind(
        {"off": _("Visitors see the pages at once."),
         "": _("Visitors see a notice first (HTTP %(value)s).")},
        OWN_DOMAIN, "off".__eq__),
    "edge": FactKind(
        {"cdn": _("The CDN of CloudBase serves the site."),
         "eo": _("EdgeOne serves the site."),
         "none": _("The answers of the site have the marks of neither edge.")}),
    "edge_before": FactKind(
        {"cdn": _("The site moved from the CDN of CloudBase to EdgeOne."),
         "eo": _("The site moved from EdgeOne to the CDN of CloudBase.")}),
    "uncompressed": FactKind(
        {"": _("The CDN sends %(value)s MB of the live release uncompressed: .svg, .mjs, .wasm, "
               ".map, and scripts, pages and data above 2 MB.")}, part_of="edge"),
    "gzip_saves": FactKind(
        {"": _("As gzip, these would be %(value)s MB less (option compress).")}, part_of="edge"),
    "gzip": FactKind(
        {"yes": _("A file that is stored as gzip reaches browsers so, and other clients plain."),
         "plain": _("A file that is stored as gzip reaches every client plain."),
         "kept": _("The edge sends gzip even to clients that did not ask for it."),
         "broken": _("A file that is stored as gzip reaches visitors as bytes that they cannot "
                     "read."),
         "": _("A PUT of a file as gzip: %(value)s.")}, part_of="edge_before"),
    "stale_seconds": FactKind(
        {"0": _("Visitors see a replaced file at once."),
         "": _("Visitors see a replaced file after %(value)s s."),
         "+": _("Visitors see an old file for over %(value)s s.")},
        HASHED, is_soon),
    "cache_busting": FactKind(
        {"yes": _("A query gets past the old copies of the CDN."),
         "no": _("A query does not get past the old copies of the CDN.")},
        _("Run wx_deploy --verify when the CDN shows the new files: it reads old ones before."),
        "yes".__eq__, part_of="stale_seconds"),
    # Of the platform, that is of WeChat and COS.
    "data_key": FactKind({"": _("describestaticstore answers with '%(value)s'.")}),
    "region_key": FactKind({"": _("describestaticstore calls the region '%(value)s'.")}),
    "list_empty": FactKind(
        {"[]": _("An empty list has contents without a file."),
         "null": _("An empty list has null for its contents."),
         "missing": _("An empty list has no contents.")}),
    "truncated_as": FactKind(
        {"bool": _("is_truncated is a truth value."), "string": _("is_truncated is a text.")}),
    "marker": FactKind(
        {"exclusive": _("A page of the list begins after its marker."),
         "inclusive": _("A page of the list repeats its marker.")}),
    "page_size": FactKind({"": _("A page of the list has %(value)s files.")}),
    "errcode_as": FactKind(
        {"number": _("errcode is a number."), "string": _("errcode is a text.")}),
    "content_type": FactKind({"": _("WeChat's answers are sent as '%(value)s'.")}),
}
# fmt: on

_ORDER = {name: number for number, name in enumerate(FACT_KINDS)}


class Remembered(NamedTuple):
    """A fact: its value and its sentence, the advice, and when it was learned."""

    name: str
    value: str
    sentence: Text
    advice: Text
    when: datetime

    @property
    def ago(self) -> str:
        return ago(self.when)


def remember(target: CheckTarget) -> None:
    """Keep the learned facts, and forget those that they end; raise an error of the database."""
    for about, learned in target.learned.items():
        subject = about or target.options.component_appid
        Fact.objects.remember(subject, learned)
        ended = {name for name, kind in FACT_KINDS.items() if kind.part_of in learned}
        Fact.objects.forget(subject, ended - learned.keys())


def facts_of(subject: str) -> list[Remembered]:
    """Return the facts of an environment or a platform, in the order of the table."""
    return facts_by_subject([subject]).get(subject, [])


def facts_by_subject(subjects: Iterable[str] | None = None) -> dict[str, list[Remembered]]:
    """Return the facts of these subjects, or of all, by a single query."""
    rows = Fact.objects.all() if subjects is None else Fact.objects.filter(subject__in=subjects)
    found: dict[str, list[Remembered]] = {}
    for row in sorted(rows, key=lambda row: (row.subject, _ORDER.get(row.name, 0))):
        if kind := FACT_KINDS.get(row.name):
            texts = kind.sentence(row.value), kind.advice(row.value)
            fact = Remembered(row.name, row.value, *texts, row.learned)
            found.setdefault(row.subject, []).append(fact)
    return found


def said(facts: Mapping[str, str]) -> Any:
    """Return the sentences of facts as one text."""
    found = (FACT_KINDS[name].sentence(value) for name, value in facts.items() if value)
    return sentences_lazy([*found])
