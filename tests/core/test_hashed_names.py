"""Which names carry a digest of their content; ``tests/builds/`` holds what bundlers wrote."""

import json
import string
from collections.abc import Iterator
from itertools import product
from math import prod, sqrt
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import ContentFile
from hypothesis import assume, given, strategies as st

from tests.tables import each
from wx_static_store.core.hashed_names import hashed_among, looks_hashed

BUILDS = {
    path.stem: json.loads(path.read_text()) for path in Path(__file__).parents[1].glob("builds/*")
}

# The digits of an alphabet by kinds: the first stands for all of its kind.
HEX = (string.digits, "abcdef")
BASE32 = (string.ascii_uppercase, "234567")
BASE64 = (string.ascii_uppercase, string.ascii_lowercase, "9876543210", "-_")

# The comments of hashed_names.py: the alphabet, how many digits, the name, what is missed.
RATES = [
    pytest.param(HEX, 8, "index.{}.js", 0.0916, id="Parcel"),
    pytest.param(HEX, 9, "index.{}.js", 0.2078, id="webpack, 9"),
    pytest.param(HEX, 11, "index.{}.js", 0.0989, id="webpack, 11"),
    pytest.param(HEX, 12, "index.{}.css", 0.0142, id="Django"),
    pytest.param(HEX, 12, "LICENSE.{}", 0.0142, id="Django, no extension"),
    pytest.param(HEX, 16, "123.{}.chunk.js", 0.0022, id="webpack, 16"),
    pytest.param(BASE32, 8, "app-{}.js", 0.3039, id="esbuild"),
    pytest.param(BASE64, 8, "index-{}.js", 0.2907, id="Vite"),
]
AMONG = {"esbuild": 0.19, "parcel": 0.02, "vite": 0.11, "webpack-8": 0.02, "webpack": 0.0001}
MISSED = {"esbuild": 0.304, "parcel": 0.092, "vite": 0.33, "webpack-8": 0.092, "webpack": 0.0003}


@each(
    "name",
    [
        "app.0a1b2c3d4e5f.css",
        "css/app.0a1b2c3d4e5f.css",
        "LICENSE.0a1b2c3d4e5f",
        "app.js.0a1b2c3d4e5f.map",
        "index-BfYjkO2m.js",
        "index-B_Yk2mOx.js",
        "assets/page-D-yk2Oi1.js",
        "main.52d0f978ca9d71c4724f.js",
        "8d5e0e054cb6ca83660c.png",
        "img/8d5e0e054cb6ca83660c.png",
        "123.1b23975c.chunk.js",
        "480.4bbc8f619019772c6f56.chunk.js.LICENSE.txt",
        "app-4XQ2ZB7K.js",
        "app-4XQ2ZB7K.js.LEGAL.txt",
        "index.3d8a9a2b.js",
        "index.3d8a9a2b.js.map",
        "index.3d8a9a2b.css.gz",
        "index.3d8a9a2b.css.br",
        "movie.3d8a9a2b.3gp",
        "site.3d8a9a2b.webmanifest",
        "字.3d8a9a2b.js",
    ],
)
def test_a_digest_in_a_name_is_recognised(name: str) -> None:
    assert looks_hashed(name)


@each(
    "name",
    [
        "",
        "index.html",
        "report.20240101.pdf",
        "report.20240101a.pdf",
        "report.20240101b2.pdf",
        "report.202401011230.pdf",
        "report-2024-01-05.pdf",
        "IMG-12345678.jpg",
        "IMG_20240101_120000.jpg",
        "photo.1700000000000.jpg",
        "jquery-3.7.1.min.js",
        "bootstrap-5.3.3-dist.js",
        "lib-v1-2-3-4.js",
        "lib-v2-RC1-b.js",
        "app-settings.js",
        "file-Version2.js",
        "logo-ORIGINAL.png",
        "logo-VERSION2.png",
        "chapter-abcdefab.html",
        "chapter.abcdefab.html",
        "chapter.facade01.html",
        "sound-3ch-9S-12bit.wav",
        "Audient-iD4-0003.conf",
        "550e8400-e29b-41d4-a716-446655440000.jpg",
        "photo-550e8400-e29b-41d4-a716-446655440000.jpg",
        "550e8400e29b41d4a716446655440000.jpg",
        "3d8a9a2b.js",
        "index-3d8a9a2b.js",
        "index.3D8A9A2B.js",
        "index.3d8a9a2.js",
        "index.3d8a9a2b3d8a9a2b3d8a9.js",
        "index.3d8a9a2b",
        "index.3d8a9a2b.5",
        "index.3d8a9a2b.old.js",
        "BfYjkO2m.js",
        "index-BfYjkO2m",
        "index-BfYjkO2mX.js",
        "index.3d8a9a2b.js/readme",
        "index.3d8a9a2b.js\n",
    ],
)
def test_a_name_without_a_digest_is_not_taken_for_a_hashed_name(name: str) -> None:
    assert not looks_hashed(name)


# --- real builds ------------------------------------------------------------------------------


def stems(names: list[str]) -> set[str]:
    return {name.removesuffix(".map") for name in names}


@pytest.mark.parametrize("build", BUILDS)
def test_a_bundler_s_names_are_missed_at_the_rate_in_the_comments(build: str) -> None:
    names, rate = stems(BUILDS[build]["hashed"]), MISSED[build]
    missed = sum(not looks_hashed(name) for name in names)
    assert len(names) > 20
    assert missed <= len(names) * rate + 3 * sqrt(len(names) * rate * (1 - rate))


@pytest.mark.parametrize("build", BUILDS)
def test_fewer_hashed_names_are_missed_in_a_whole_build(build: str) -> None:
    names, rate = BUILDS[build]["hashed"], AMONG[build]
    missed = len(stems(names) - hashed_among([*names, *BUILDS[build]["plain"]]))
    number = len(stems(names))
    assert missed <= number * rate + 3 * sqrt(number * rate * (1 - rate))


@pytest.mark.parametrize("build", BUILDS)
def test_a_whole_build_has_no_plain_name_taken_for_a_hashed_name(build: str) -> None:
    plain = BUILDS[build]["plain"]
    assert hashed_among([*BUILDS[build]["hashed"], *plain]) & {*plain} == set()


@each(
    ("names", "hashed"),
    [
        (["assets/timer-J7lzhc-_.js"], set()),
        (["assets/timer-J7lzhc-_.js", "assets/index-CXfG38Mv.js"], {0, 1}),
        (["other/timer-J7lzhc-_.js", "assets/index-CXfG38Mv.js"], {1}),
        (["assets/timer-J7lzhc-_.js", "assets/index.3d8a9a2b.js"], {1}),
        (["assets/app-settings.js", "assets/index-CXfG38Mv.js"], {1}),
        (["assets/file-Version2.js", "assets/index-CXfG38Mv.js"], {1}),
        (["report.20240101.pdf", "index.3d8a9a2b.js"], {1}),
    ],
)
def test_a_sure_name_vouches_for_its_form_in_its_folder(names: list[str], hashed: set[int]) -> None:
    assert hashed_among(names) == {names[number] for number in hashed}


@pytest.mark.parametrize("build", BUILDS)
def test_a_file_that_a_bundler_copies_unchanged_is_not_hashed(build: str) -> None:
    assert [name for name in BUILDS[build]["plain"] if looks_hashed(name)] == []


@pytest.mark.parametrize("build", BUILDS)
def test_a_source_map_is_hashed_as_its_file_is(build: str) -> None:
    maps = [name for name in BUILDS[build]["hashed"] if name.endswith(".map")]
    assert maps
    assert all(looks_hashed(name) == looks_hashed(name.removesuffix(".map")) for name in maps)


def test_the_hashed_names_that_django_writes_are_recognised(tmp_path: Path) -> None:
    storage = ManifestStaticFilesStorage(location=tmp_path, base_url="/static/")
    plain = ["app.css", "jquery-3.7.1.min.js", "LICENSE", "img/logo.svg", "app.js.map"]
    hashed = [storage.hashed_name(name, ContentFile(name.encode())) for name in plain]
    assert [looks_hashed(name) for name in plain] == [False] * len(plain)
    assert [name for name in hashed if not looks_hashed(name)] == []


# --- all digests ------------------------------------------------------------------------------


@pytest.mark.parametrize(("alphabet", "digits", "name", "rate"), RATES)
def test_digests_are_missed_at_the_rate_in_the_comments(
    alphabet: tuple[str, ...], digits: int, name: str, rate: float
) -> None:
    """Exactly: all sequences of kinds, each with the share of the digests that it stands for."""
    share = {kind[0]: len(kind) / len("".join(alphabet)) for kind in alphabet}
    missed = sum(
        prod(share[kind] for kind in kinds)
        for kinds in product(share, repeat=digits)
        if not looks_hashed(name.format("".join(kinds)))
    )
    assert round(missed, 4) == rate


@given(row=st.sampled_from([row.values for row in RATES]), data=st.data())
def test_a_digest_is_judged_by_the_kinds_of_its_digits(row: Any, data: st.DataObject) -> None:
    """What the count of all sequences of kinds stands on."""
    alphabet, digits, name, _rate = row
    kinds = data.draw(st.lists(st.sampled_from(alphabet), min_size=digits, max_size=digits))
    digest = "".join(data.draw(st.sampled_from(kind)) for kind in kinds)
    assume(alphabet is not BASE64 or not set(digest) <= set("".join(BASE32)))  # may be either
    first_of_kind = "".join(kind[0] for kind in kinds)
    assert looks_hashed(name.format(digest)) == looks_hashed(name.format(first_of_kind))


# --- words ------------------------------------------------------------------------------------

TEXT = """
    a an and api app apps archive article audio avatar back background banner base beta big blog
    blue body book bottom box brand button cache calendar card cart category center chapter chart
    chat check city client close cloud code color column comment config contact content control copy
    cover css customer dark dashboard data date decade deface default demo desktop detail
    dialog docs download draft drawer edit editor effaced email empty en error event example export
    facade face faded feature feed fifth file filter final first five folder font footer form four
    full gallery general green grid group guide header help hero high history home house html icon
    image index info input intro invoice item js json kit landing language large layout left legacy
    letter library light line link list loader local login logo main manual map market media medium
    menu message mobile modal module money month mp music name nav news next night normal number of
    old one open option order original other package page panel part party password pdf person phone
    photo picture place plan player plugin png policy popup post preview price print privacy product
    profile project public quality question quote random red release report request result review
    right sample schedule school score screen script search second section select server service
    setting settings shadow shared shop sidebar simple site slide small social source special square
    start static status step store style styles success summary support table tab target team
    template terms test text theme third three thumb time title to toolbar top total tour travel two
    type update upload user utils vendor version video view web website week welcome white widget
    window wizard work world xl year yellow zip
"""
WORDS = TEXT.split()


def as_people_write() -> Iterator[str]:
    """Words alone, in pairs, with a number: in small letters, capitals and camel case."""
    for word in WORDS:
        yield from (word, word.title(), word.upper())
        for number in ("1", "2", "22", "2024"):
            yield from (f"{way}{number}" for way in (word, word.title(), word.upper()))
            yield f"{number}{word.title()}"
    for one, two in product(WORDS, WORDS):
        if len(one + two) in (7, 8):
            yield from (f"{one}{two.title()}", f"{one.title()}{two.title()}", f"{one}-{two}")
            yield from (f"{one.upper()}{two}", f"{one}{two.title()}2", f"{one.title()}2{two}")


@pytest.mark.parametrize("form", ["app-{}.js", "app.{}.js", "{}.js", "app-{}.png", "app.{}.min.js"])
def test_words_are_not_taken_for_digests(form: str) -> None:
    names: Any = (form.format(text) for text in as_people_write())
    assert [name for name in names if looks_hashed(name)] == []
