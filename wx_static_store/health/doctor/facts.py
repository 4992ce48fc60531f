"""The kinds of facts, and what probes have learned: kept for advice only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.functional import lazy

from ...i18n import gettext, gettext_lazy as _
from ..models import Fact
from .findings import Text
from .target import CheckTarget

# KB a second: a default domain is said to give 100.
SLOW = 200
SOON = 5  # seconds that a list or the CDN may be late without harm
ACCEPTED = "accepted"

OWN_DOMAIN = _("Bind a domain of your own in the console of Tencent Cloud, and set base_url to it.")
CACHE_TIMES = _(
    "Set the cache times of the CDN in the console of Tencent Cloud: the setting cache_control "
    "does not reach visitors."
)
HASHED = _(
    "Use names with a hash (WxManifestStaticFilesStorage) for all but pages, and shorten the "
    "cache time of the CDN in the console of Tencent Cloud."
)
LOG = _(
    "Keep the upload log: a deploy compares with it where the list names no MD5. With "
    "trust_log=True, the list is not asked."
)
YOUNG = _("Wait this long after a deploy before you run wx_reconcile: WeChat's list is late.")
PAST_CDN = _("Run wx_deploy --verify when the CDN shows the new files: it reads old ones before.")
INDEX = _("Set index.html as the index document in the console of Tencent Cloud.")
_ABSOLUTE = _("Build with an absolute base, and link to folders with the last slash.")
_PAGES = _("A page of your own may PUT to a link. The pages of this app do not need that.")

TextOf = Callable[[str], Text]


@dataclass(frozen=True, slots=True)
class FactKind:
    """A kind of fact: by its value a sentence, and advice which setting the reader may change."""

    sentence: TextOf
    advice: TextOf = lambda value: ""
    part_of: str = ""  # a fact that, learned without this one, ends it


def _one_of(texts: Mapping[str, Text], otherwise: TextOf = str) -> TextOf:
    return lambda value: texts.get(value) or otherwise(value)


def _if(test: Callable[[str], bool], advice: Text) -> TextOf:
    return lambda value: advice if test(value) else ""


def _number(value: str) -> float:
    return float(value.rstrip("+"))  # with a plus: it was not waited for


def _late(at_once: Text, after: TextOf, longer: TextOf) -> TextOf:
    def sentence(value: str) -> Text:
        if value == "0":
            return at_once
        return longer(value.rstrip("+")) if value.endswith("+") else after(value)

    return sentence


FACT_KINDS: dict[str, FactKind] = {
    "cors": FactKind(
        _one_of(
            {
                "off": _("Browsers cannot PUT to the bucket: it has no CORS rule."),
                "on": _("Browsers may PUT to the bucket: it has a CORS rule."),
            }
        ),
        _if("on".__eq__, _PAGES),
    ),
    "cors_methods": FactKind(
        lambda value: _("The CORS rule allows the methods %(value)s.", value=value),
        part_of="cors",
    ),
    "cors_headers": FactKind(
        lambda value: _("The CORS rule allows the headers %(value)s.", value=value),
        part_of="cors",
    ),
    "list_md5": FactKind(
        _one_of(
            {
                "plain": _("The list names the MD5 of a file."),
                "multipart": _("The list names a tag with a suffix, not the MD5 of a file."),
                "none": _("The list names no MD5."),
                "other": _("The list names another MD5 than that of the file."),
            }
        ),
        _if(lambda value: value != "plain", LOG),
    ),
    "list_lag_seconds": FactKind(
        _late(
            _("The list shows a new file at once."),
            lambda value: _("The list shows a new file after %(value)s s.", value=value),
            lambda value: _("The list lacks a new file for over %(value)s s.", value=value),
        ),
        _if(lambda value: _number(value) >= SOON, YOUNG),
    ),
    "cache_control": FactKind(
        _one_of(
            {
                "kept": _("Visitors get the Cache-Control that was sent with a file."),
                "none": _("Visitors get no Cache-Control."),
            },
            lambda value: _("Visitors get the Cache-Control '%(value)s'.", value=value),
        ),
        _if(lambda value: value != "kept", CACHE_TIMES),
    ),
    "attachment": FactKind(
        _one_of(
            {
                "off": _("Browsers show the files of the public address."),
                "get": _("Browsers download the files of the public address."),
                "all": _("Browsers download the files of the public address."),
            }
        ),
        _if(lambda value: value != "off", OWN_DOMAIN),
    ),
    "speed": FactKind(
        lambda value: _("The public address gives %(value)s KB a second.", value=value),
        _if(lambda value: _number(value) < SLOW, OWN_DOMAIN),
    ),
    "folder_index": FactKind(
        _one_of(
            {
                "served": _("A folder shows its index.html."),
                "missing": _("A folder does not show its index.html."),
            }
        ),
        _if("missing".__eq__, INDEX),
    ),
    "folder_without_slash": FactKind(
        _one_of(
            {
                "serve": _("A folder without its last slash shows the page without a redirect."),
                "redirect": _("A folder without its last slash is a redirect to that with it."),
            },
            lambda value: _("A folder without its last slash is an HTTP %(value)s.", value=value),
        ),
        _if(lambda value: value != "redirect", _ABSOLUTE),
    ),
    "notice_page": FactKind(
        _one_of(
            {"off": _("Visitors see the pages at once.")},
            lambda value: _("Visitors see a notice first (HTTP %(value)s).", value=value),
        ),
        _if(lambda value: value != "off", OWN_DOMAIN),
    ),
    "stale_seconds": FactKind(
        _late(
            _("Visitors see a replaced file at once."),
            lambda value: _("Visitors see a replaced file after %(value)s s.", value=value),
            lambda value: _("Visitors see an old file for over %(value)s s.", value=value),
        ),
        _if(lambda value: _number(value) >= SOON, HASHED),
    ),
    "cache_busting": FactKind(
        _one_of(
            {
                "yes": _("A query gets past the old copies of the CDN."),
                "no": _("A query does not get past the old copies of the CDN."),
            }
        ),
        _if("no".__eq__, PAST_CDN),
        part_of="stale_seconds",
    ),
    # Of the platform, that is of WeChat and COS.
    "data_key": FactKind(
        lambda value: _("describestaticstore answers with '%(value)s'.", value=value),
    ),
    "region_key": FactKind(
        lambda value: _("describestaticstore calls the region '%(value)s'.", value=value),
    ),
    "list_empty": FactKind(
        _one_of(
            {
                "[]": _("An empty list has contents without a file."),
                "null": _("An empty list has null for its contents."),
                "missing": _("An empty list has no contents."),
            }
        ),
    ),
    "truncated_as": FactKind(
        _one_of(
            {
                "bool": _("is_truncated is a truth value."),
                "string": _("is_truncated is a text."),
            }
        ),
    ),
    "marker": FactKind(
        _one_of(
            {
                "exclusive": _("A page of the list begins after its marker."),
                "inclusive": _("A page of the list repeats its marker."),
            }
        ),
    ),
    "page_size": FactKind(
        lambda value: _("A page of the list has %(value)s files.", value=value),
    ),
    "errcode_as": FactKind(
        _one_of({"number": _("errcode is a number."), "string": _("errcode is a text.")}),
    ),
    "content_type": FactKind(
        lambda value: _("WeChat's answers are sent as '%(value)s'.", value=value),
    ),
    "no_token": FactKind(
        _one_of(
            {ACCEPTED: _("COS takes a PUT without the link's token.")},
            lambda value: _("A PUT without the link's token: %(value)s.", value=value),
        )
    ),
    "wrong_token": FactKind(
        _one_of(
            {ACCEPTED: _("COS takes a PUT with a wrong token.")},
            lambda value: _("A PUT with a wrong token: %(value)s.", value=value),
        )
    ),
    "meta_headers": FactKind(
        _one_of(
            {
                "kept": _("Visitors get the x-cos-meta-* headers of a file."),
                "dropped": _("COS takes x-cos-meta-* headers, visitors do not get them."),
            },
            lambda value: _("A PUT with an x-cos-meta-* header: %(value)s.", value=value),
        )
    ),
    "forbid_overwrite": FactKind(
        _one_of(
            {ACCEPTED: _("COS overwrites a file in spite of x-cos-forbid-overwrite.")},
            lambda value: _("A PUT with x-cos-forbid-overwrite: %(value)s.", value=value),
        )
    ),
    "leading_slash": FactKind(
        _one_of(
            {
                ACCEPTED: _("WeChat gives a link for a name with a leading slash, and keeps it."),
                "changed": _("WeChat takes the leading slash off a name."),
            },
            lambda value: _("A name with a leading slash: %(value)s.", value=value),
        )
    ),
    "long_key": FactKind(
        _one_of(
            {
                ACCEPTED: _("WeChat gives a link for a key above 850 bytes."),
                "changed": _("WeChat changes a key above 850 bytes."),
            },
            lambda value: _("A key above 850 bytes: %(value)s.", value=value),
        )
    ),
}


_ORDER = {name: number for number, name in enumerate(FACT_KINDS)}


class Remembered(NamedTuple):
    """A fact: its value and its sentence, the advice, and when it was learned."""

    name: str
    value: str
    sentence: Text
    advice: Text
    when: datetime


def remember(target: CheckTarget) -> None:
    """Keep the learned facts, and forget those that they end; raise an error of the database."""
    for about, learned in target.learned.items():
        subject = about or platform_of(target)
        Fact.objects.remember(subject, learned)
        ended = {name for name, kind in FACT_KINDS.items() if kind.part_of in learned}
        Fact.objects.forget(subject, ended - learned.keys())


def platform_of(target: CheckTarget) -> str:
    """Return the subject of the platform's facts: its appid, if set."""
    return target.options.component_appid


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
    return _joined([FACT_KINDS[name].sentence(value) for name, value in facts.items() if value])


def _join(sentences: Iterable[Text]) -> str:
    text, *others = map(str, sentences)
    # A translation joins them: between Chinese sentences stands no space.
    for each in others:
        text = gettext("%(sentence)s %(next)s", sentence=text, next=each)
    return text


_joined = lazy(_join, str)


# What the documents leave open and no check settles, with the reason.
UNSETTLED: tuple[tuple[Text, Text], ...] = (
    (
        _("How many tokens may be fetched a day."),
        _("A check would have to use them up. One token of two hours is enough for all processes."),
    ),
    (
        _("Whether batchdeletefile can delete files of the static bucket."),
        _("A check would have to delete a file by a call that is meant for another store."),
    ),
    (
        _("Whether the signature of a link is checked only at the start of a long upload."),
        _("An upload of more than 60 seconds would be needed. A late refusal is tried again."),
    ),
    (
        _("How long a deleted file is shown by the CDN."),
        _("It is as long as for a replaced one: nothing can be deleted, only overwritten."),
    ),
    (
        _("Whether the error page is sent with its own status."),
        _("Only the console sets an error page. Pages are compared by their content."),
    ),
    (
        _("Whether WeChat repeats a push, and in which order pushes come."),
        _("Only WeChat sends pushes. A repeated or late one changes nothing."),
    ),
)
