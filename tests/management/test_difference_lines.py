"""What ``wx_deploy --diff`` prints of a difference: columns that align, and what is counted."""

from __future__ import annotations

from django.utils.translation import override

from tests.core.test_releases import PAGE, SCRIPT, file
from wx_static_store.core.releases import Change, ReleaseFile
from wx_static_store.core.types import RemoteFile
from wx_static_store.i18n import width
from wx_static_store.management.difference_lines import EnvironmentComparison, Side, lines, total
from wx_static_store.releases.difference import Difference

SMALL, LARGE = file("a.js"), file("图.js", b"2" * 1234)
TREE, CLOUD = Side("v1", {"kind": "release"}), Side("the cloud", {"kind": "cloud"})


def between(*changes: tuple[ReleaseFile | None, ReleaseFile | None]) -> EnvironmentComparison:
    difference = Difference([Change(*change) for change in changes], 5)
    return EnvironmentComparison("tenant", "", [TREE, TREE], difference)


def drift(difference: Difference) -> EnvironmentComparison:
    return EnvironmentComparison("tenant", "docs/", [TREE, CLOUD], difference)


def test_columns_align() -> None:
    changed = (SMALL, SMALL._replace(size=1234, md5="0" * 32))
    assert list(lines(between(changed, (LARGE, None), (None, SMALL)))) == [
        "tenant: v1 → v1",
        "changed      1 →  1,234  a.js: content",
        "removed  1,234           图.js",
        "added                 1  a.js",
        "added 1, changed 1, removed 1, unchanged 5; 1,235 → 1,235 bytes",
    ]


def test_columns_align_in_chinese() -> None:
    with override("zh-hans"):
        difference = Difference([Change(SMALL, None), Change(None, SMALL)], 0)
        _head, first, second, _counts = lines(drift(difference))
    assert width(first.partition("a.js")[0]) == width(second.partition("a.js")[0])


def test_other_headers_are_shown_with_both_values() -> None:
    (_head, line, _counts) = lines(between((SMALL, SMALL._replace(headers=PAGE))))
    assert line.endswith(
        f"a.js: Content-Type {SCRIPT.content_type} → {PAGE.content_type}, "
        f"Cache-Control {SCRIPT.cache_control} → {PAGE.cache_control}"
    )


def test_a_name_cannot_steer_the_terminal() -> None:
    (_head, line, _counts) = lines(between((None, file("a\x1b[31m.js"))))
    assert line.endswith(r"a\x1b[31m.js")


def test_no_difference_is_said_in_one_line() -> None:
    assert list(lines(between()))[1:] == ["No difference: 5 files"]


def test_what_could_not_be_compared_for_sure_is_counted() -> None:
    upload = RemoteFile("docs/photo.png", 1, None, None)
    found = list(lines(drift(Difference((), 5, 2, [upload]))))
    assert found == [
        "tenant /docs/: v1 → the cloud",
        "No difference: 5 files",
        "2 by size only: the list shows no MD5 of them",
        "1 file is left out: somebody uploaded it",
    ]


def test_an_environment_that_was_not_compared_says_why() -> None:
    assert list(lines(EnvironmentComparison("tenant", "", error="refused"))) == ["tenant: refused"]


def test_stale_files_alone_are_as_the_release_says() -> None:
    stale, missing = Difference([Change(None, SMALL)], 5), Difference([Change(SMALL, None)], 5)
    found = [drift(stale), drift(missing), EnvironmentComparison("other", "", error="refused")]
    assert total(found) == (
        "total: 1 of 3 environments are as the release says; "
        "missing 1, differs 0, stale 1, unchanged 10"
    )
