"""The page *Compare*: two releases of a folder, a release and the cloud."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.admin.conftest import Editor
from tests.admin.releases import address, configure_site, counts, deploy, html_of, texts
from tests.conftest import ENV
from wx_static_store.admin.deployment import compare
from wx_static_store.admin.deployment.compare import counterpart, others_of
from wx_static_store.emulator import EmulatorServer
from wx_static_store.models import Deployment, Release

pytestmark = pytest.mark.django_db(transaction=True)

OLD = {"index.html": b"<h1>old</h1>\n", "same.css": b"a", "gone.png": b"12"}
NEW = {"index.html": b"<h1>new</h1>\n<script>alert(1)</script>\n", "same.css": b"a", "n.js": b"1"}


@pytest.fixture
def cloud(configure: Callable[..., Any], tmp_path: Path) -> EmulatorServer:
    return configure_site(configure, tmp_path / "releases")


@pytest.fixture
def viewer(cloud: EmulatorServer, editor: Editor) -> Client:
    return editor("view_deployment")


@pytest.fixture
def two(cloud: EmulatorServer) -> tuple[Deployment, Deployment]:
    return deploy(OLD, "v1"), deploy(NEW, "v2")


Two = tuple[Deployment, Deployment]


def sections(html: str) -> dict[str, list[str]]:
    """Return the lines of each table by its heading."""
    headings = texts(html, r"<section.*?<h2[^>]*>(.*?)</h2>")
    tables = [part.partition("</section>")[0] for part in html.split("<section")[1:]]
    return dict(
        zip(
            headings,
            (texts(table.partition("<tbody>")[2], r"<tr>(.*?)</tr>") for table in tables),
            strict=True,
        )
    )


# --- two releases -----------------------------------------------------------------------------


def test_the_live_release_is_compared_with_the_one_before(viewer: Client, two: Two) -> None:
    html = html_of(viewer, "compare", two[1])
    assert counts(html) == [
        "1 added",
        "1 changed",
        "1 removed",
        "1 unchanged",
        "15 bytes before, 40 bytes after",
    ]
    assert sections(html) == {
        "Added · 1": ["n.js 1 byte"],
        "Changed · 1": ["index.html 13 bytes 39 bytes content"],
        "Removed · 1": ["gone.png 2 bytes"],
    }


def test_an_older_release_is_compared_with_what_is_live(viewer: Client, two: Two) -> None:
    html = html_of(viewer, "compare", two[0])
    assert [*sections(html)] == ["Added · 1", "Changed · 1", "Removed · 1"]
    assert sections(html)["Added · 1"] == ["gone.png 2 bytes"]


def test_any_other_release_of_the_folder_can_be_chosen(viewer: Client, two: Two) -> None:
    third = deploy(OLD | {"third.css": b""}, "v3")
    html = html_of(viewer, "compare", third, f"?with={two[0].pk}")
    assert [*sections(html)] == ["Added · 1"]
    offered = texts(html, r"<option[^>]*>(.*?)</option>")
    assert [each.split(" · ")[0] for each in offered] == [
        f"#{two[1].pk} v2",
        f"#{two[0].pk} v1",
        "what is in the cloud now",
    ]
    assert f'<option value="{two[0].pk}" selected>' in html


def test_equal_releases_do_not_differ(viewer: Client, two: Two) -> None:
    again = deploy(NEW, "v2 again")
    assert "Nothing differs." in html_of(viewer, "compare", again, f"?with={two[1].pk}")


def test_the_only_release_of_a_folder_has_the_cloud_to_compare_with(
    viewer: Client, cloud: EmulatorServer
) -> None:
    html = html_of(viewer, "compare", deploy(OLD))
    assert "No other release was deployed to this folder." in html
    assert '<option value="cloud">' in html


def test_many_files_are_cut_and_counted(
    viewer: Client, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "SHOWN", 2)
    many = deploy({f"{number}.css": b"" for number in range(5)})
    html = html_of(viewer, "compare", many)
    assert len(sections(html)["Added · 5"]) == 2
    assert "and 3 more" in html


def test_a_page_of_releases_asks_nobody(viewer: Client, two: Two, cloud: EmulatorServer) -> None:
    cloud.journal.clear()
    html_of(viewer, "compare", two[0])
    assert cloud.journal == []


# --- the cloud --------------------------------------------------------------------------------


def test_a_release_is_compared_with_the_cloud_by_its_list(
    viewer: Client, two: Two, cloud: EmulatorServer
) -> None:
    cloud.put_object("www/n.js", b"other")
    cloud.put_object("www/same.css", b"this file was deleted\n")
    cloud.journal.clear()
    html = html_of(viewer, "compare", two[1], "?with=cloud")
    assert sections(html) == {
        "Only in the cloud · 1": ["gone.png 2 bytes"],
        "Different in the cloud · 1": ["n.js 1 byte 5 bytes content"],
        "Missing in the cloud · 1": ["same.css 1 byte"],
    }
    assert [call.name for call in cloud.calls()] == ["staticfilelist"]


def test_files_of_people_are_counted_and_not_named(
    viewer: Client, two: Two, cloud: EmulatorServer
) -> None:
    cloud.put_object("www/uploads/secret.txt", b"x")
    html = html_of(viewer, "compare", two[1], "?with=cloud")
    assert "1 file in this folder was uploaded by somebody." in html
    assert "secret" not in html


def test_a_list_without_md5_is_said(viewer: Client, two: Two, cloud: EmulatorServer) -> None:
    cloud.quirks.list_md5 = "multipart"
    html = html_of(viewer, "compare", two[1], "?with=cloud")
    assert "3 files were compared by their sizes only" in html


@pytest.mark.parametrize(
    ("most", "errcode", "said"),
    [(1, None, "too many files. Compare them with wx_deploy --diff"), (9, 45009, "errcode 45009")],
)
def test_a_cloud_that_cannot_be_compared_is_said(
    viewer: Client,
    two: Two,
    cloud: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    errcode: int | None,
    said: str,
) -> None:
    monkeypatch.setattr(compare, "SWEPT", most)
    if errcode:
        cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": errcode, "times": None})
    assert said in html_of(viewer, "compare", two[1], "?with=cloud")


def test_a_store_that_is_no_more_cannot_be_asked(viewer: Client, two: Two) -> None:
    Deployment.objects.update(using="gone")
    assert '<p class="errornote">' in html_of(viewer, "compare", two[1], "?with=cloud")


# --- who sees what ----------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["?with=x", "?with=0", "?with=999999", "?with=" + "9" * 30])
def test_another_side_that_is_none_is_404(viewer: Client, two: Two, query: str) -> None:
    assert viewer.get(address("compare", two[1], query)).status_code == 404


def test_a_deployment_to_another_folder_is_no_side(viewer: Client, two: Two) -> None:
    other = deploy(OLD, prefix="docs/")
    assert viewer.get(address("compare", two[1], f"?with={other.pk}")).status_code == 404


def test_a_deployment_without_a_release_has_nothing_to_compare(
    viewer: Client, cloud: EmulatorServer
) -> None:
    row = Deployment.objects.create(env="demo", outcome="done")
    assert viewer.get(address("compare", row)).status_code == 404
    assert "compare" not in html_of(viewer, "change", row)


def test_deployments_of_other_environments_are_neither_compared_nor_offered(
    viewer: Client, two: Two, settings: Any
) -> None:
    names = {"tenant-b": "Tenant B"}
    settings.WX_STATIC_STORE = settings.WX_STATIC_STORE | {"ENVIRONMENTS": lambda user: names}
    assert viewer.get(address("compare", two[1])).status_code == 404


def test_the_page_of_a_deployment_has_the_button(viewer: Client, two: Two) -> None:
    assert f'href="{address("compare", two[0])}"' in html_of(viewer, "change", two[0])


# --- the sides that are offered ---------------------------------------------------------------


def deployed(number: int, *, folder: str = "www/", outcome: str = "done") -> Deployment:
    """Return a new deployment of the release with this number."""
    facts = {"files": b"", "count": 0, "size": 0}
    release, _new = Release.objects.get_or_create(digest=f"{number:064}", defaults=facts)
    return Deployment.objects.create(env=ENV, folder=folder, outcome=outcome, release=release)


def others(row: Deployment) -> list[Deployment]:
    return others_of(Deployment.objects.all(), row)


def test_other_releases_of_the_folder_are_offered_the_newest_first() -> None:
    rows = [deployed(1), deployed(2), deployed(3), deployed(2), deployed(4, folder="docs/")]
    assert others(rows[3]) == [rows[2], rows[0]]


def test_only_so_many_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "OFFERED", 2)
    rows = [deployed(number) for number in range(4)]
    assert others(rows[0]) == [rows[3], rows[2]]


def test_what_is_live_is_wanted_first() -> None:
    rows = [deployed(1), deployed(2), deployed(3), deployed(4, outcome="failed")]
    assert counterpart(rows[0], others(rows[0])) == rows[2]


def test_of_what_is_live_the_one_before_is_wanted_first() -> None:
    rows = [deployed(1), deployed(2), deployed(3), deployed(4, outcome="failed")]
    assert counterpart(rows[2], others(rows[2])) == rows[1]


def test_of_what_is_live_one_that_failed_later_is_wanted_where_none_is_older() -> None:
    rows = [deployed(1), deployed(2, outcome="failed")]
    assert counterpart(rows[0], others(rows[0])) == rows[1]


def test_an_only_release_has_no_counterpart() -> None:
    row = deployed(1)
    assert counterpart(row, others(row)) is None
