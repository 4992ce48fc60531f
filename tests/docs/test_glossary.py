"""docs/glossary.rst: all translations use the Chinese word of a term."""

import re
from pathlib import Path

import polib

from tests.docs.blocks import DOCS, ROOT
from tests.tables import each, none_of

PACKAGE = ROOT / "wx_static_store" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
CATALOGUES = [PACKAGE, *sorted((DOCS / "locale").rglob("*.po"))]
# A term, and its word in bold at the beginning of the definition. The longest term first: an
# "open platform" is no "platform".
ENTRY = re.compile(r"^   (\w.*)\n      \*\*(.+?)\*\*", re.MULTILINE)
TERMS = sorted(ENTRY.findall((DOCS / "glossary.rst").read_text("utf-8")), key=lambda e: -len(e[0]))
# What is no prose: code, labels, targets of links, places of values, options, settings, and
# Chinese labels such as 消息校验 Token.
CODE = re.compile(
    r"``.*?``|:(?:doc|ref):`[^`]*`|(?<!\*)\*[^*]+\*(?!\*)|<[^>]*>|%\(\w+\)[.\d]*[a-z]|\{.*?\}|--?[a-z][\w-]*"
    r"|\S*[_/.]\w\S*|\[\w+\]|\b[A-Z]{2}[A-Z_]+\b|[\u4e00-\u9fff]+ \w+"
)
# Entries in which a word is no term.
OTHER_MEANING = {
    "The platform blocks this content or this domain.",  # Tencent's
    "Where it happened: policy, name, source, token, link or put.",  # values of a field
    "no signed_url and token",  # fields of an answer
    "platform",  # a scope of options
    # the callback token
    (
        "``wx_static_store.callback``: token of the authorization event URL, or a list of tokens, "
        "the newest first."
    ),
    "If WeChat sent it, compare CALLBACK_TOKEN with the message token of your platform.",
    "Token and key are right, so check COMPONENT_APPID: the push is for another platform.",
    "a query string skips the stale copy",  # of the CDN
    # a command
    (
        "The documentation of the CLI's version 3, autumn 2026: `tcb hosting deploy "
        "<https://docs.cloudbase.net/cli-v1/hosting/deploy>`__."
    ),
}


def missing(entry: polib.POEntry) -> list[str]:
    """Return the words that the translation of an entry lacks."""
    english = CODE.sub(" ", entry.msgid)
    chinese = "".join([entry.msgstr, *entry.msgstr_plural.values()]).replace(" ", "")
    lacking = []
    for term, word in TERMS:
        english, found = re.subn(rf"\b{term}(?:s|es)?\b", " ", english, flags=re.IGNORECASE)
        if found and word.replace(" ", "") not in chinese:
            lacking.append(f"{term}: {word}")
    return lacking


@each("path", CATALOGUES)
def test_a_translation_uses_the_word_of_the_glossary(path: Path) -> None:
    entries = [e for e in polib.pofile(str(path)) if e.msgid not in OTHER_MEANING]
    found = {entry.msgid: missing(entry) for entry in entries if entry.translated()}
    place = path.relative_to(ROOT)
    none_of(
        f"The Chinese of {text!r} needs {words} (docs/glossary.rst): correct it in {place}"
        for text, words in found.items()
        if words
    )


@each("path", CATALOGUES)
def test_the_reader_is_addressed_politely(path: Path) -> None:
    texts = (
        text for e in polib.pofile(str(path)) for text in [e.msgstr, *e.msgstr_plural.values()]
    )
    none_of(f"Say 您: {text}" for text in texts if "你" in text)


@each(("term", "word"), TERMS)
def test_the_chinese_glossary_names_the_term_by_its_word(term: str, word: str) -> None:
    path = DOCS / "locale" / "zh_CN" / "LC_MESSAGES" / "glossary.po"
    (entry,) = (entry for entry in polib.pofile(str(path)) if entry.msgid == term)
    assert word in entry.msgstr
