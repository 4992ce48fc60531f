"""What is old goes, but never what says how things stand."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import deploys
from tests.conftest import ENV
from tests.databases.conftest import IMPATIENT, TABLE, another_connection, run as execute
from tests.log.conftest import row
from wx_static_store.core.releases import ReleaseFile, pack
from wx_static_store.core.types import NO_HEADERS, UploadContext
from wx_static_store.log.prune import prune, prune_releases
from wx_static_store.log.retention import Retained, find_retained
from wx_static_store.models import Deployment, FolderState, KeptFile, Release, UploadLog
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment
from wx_static_store.upload import kept
from wx_static_store.upload.recorder import start_deployment
from wx_static_store.upload.sources import fingerprint
from wx_static_store.upload.workers import WorkerPool

pytestmark = pytest.mark.django_db


def pruned(days: int = 30, **options: Any) -> Counter[str]:
    counts = Counter[str]()
    for kind, count in prune(days, **options):
        counts[kind] += count
    return counts


def left() -> set[int]:
    return set(UploadLog.objects.values_list("id", flat=True))


def deployment(days: float, outcome: str = "done", env: str = ENV) -> Deployment:
    made = Deployment.objects.create(env=env, outcome=outcome, source="test")
    old = row("unused", days=days)
    old.refresh_from_db()
    Deployment.objects.filter(pk=made.pk).update(created=old.created)
    old.delete()
    return made


def test_prune_deletes_old_rows_of_a_key_but_for_its_newest() -> None:
    gone = [row("a", days=days) for days in (90, 60)]
    stays = [row("a", days=50), row("b", days=70)]
    assert pruned() == {"uploads": len(gone)}
    assert left() == {made.pk for made in stays}


def test_prune_keeps_rows_younger_than_the_limit() -> None:
    row("a", days=30.01)
    stays = [row("a", days=29.99), row("a")]
    pruned(30)
    assert left() == {made.pk for made in stays}


def test_prune_takes_the_row_added_last_for_the_newest() -> None:
    """Clocks of machines differ; the row that came last says how the file stands."""
    row("a", days=60)
    newest = row("a", days=90)
    pruned()
    assert left() == {newest.pk}


def test_a_newer_row_of_another_environment_does_not_count() -> None:
    stays = [row("a", days=60), row("a", env="tenant-b", days=50)]
    pruned()
    assert left() == {made.pk for made in stays}


def test_only_one_environment_may_be_pruned() -> None:
    for env in (ENV, "tenant-b"):
        for days in (60, 50):
            row("a", env=env, days=days)
        deployment(60, env=env)
        deployment(50, env=env)
    assert pruned(env="tenant-b") == {"uploads": 1, "deployments": 1}
    assert UploadLog.objects.filter(env=ENV).count() == 2


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_prune_deletes_the_same_rows_in_batches_of_any_size(batch: int) -> None:
    for number in range(4):
        for days in (90, 80, 70):
            row(f"{number}", days=days)
    counts = [count for _kind, count in prune(30, batch=batch)]
    assert (sum(counts), max(counts)) == (8, min(batch, 8))
    assert UploadLog.objects.count() == 4


# --- deployments ------------------------------------------------------------------------------


def test_prune_keeps_rows_of_a_running_deployment() -> None:
    running = deployment(60, "running")
    row("a", days=60, deployment=running)
    row("a", days=50)
    assert pruned() == {}


def test_prune_deletes_rows_of_a_killed_deployment() -> None:
    """The one that begins after it notes that it runs no more."""
    killed = deployment(60, "running")
    start_deployment(killed.env, UploadContext("wx_deploy"))
    row("a", days=60, deployment=killed)
    row("a", days=50)
    assert pruned() == {"uploads": 1}


@pytest.mark.parametrize("outcome", ["running", "incomplete"])
def test_prune_keeps_a_deployment_whose_rows_are_not_all_written(outcome: str) -> None:
    unfinished = deployment(60, outcome)
    deployment(50)
    assert pruned() == {}
    assert Deployment.objects.filter(pk=unfinished.pk).exists()


def test_prune_deletes_an_old_deployment_without_rows() -> None:
    deployment(60)
    newest = deployment(50)
    assert pruned() == {"deployments": 1}
    assert Deployment.objects.get() == newest


def test_prune_keeps_a_deployment_with_a_row_left() -> None:
    first = deployment(60)
    deployment(50)
    row("a", days=60, deployment=first)
    row("b", days=60, deployment=first)
    row("b", days=50)
    assert pruned() == {"uploads": 1}
    assert Deployment.objects.filter(pk=first.pk).exists()


def test_prune_keeps_a_deployment_with_rows_younger_than_the_limit() -> None:
    first = deployment(31)
    deployment(20)
    row("a", days=29, deployment=first)
    row("a", days=20)
    assert pruned() == {}


def test_prune_keeps_a_young_deployment_without_rows() -> None:
    deployment(29)
    deployment(0)
    assert pruned() == {}


# --- nothing that was not asked for -----------------------------------------------------------


def a_bit_of_all() -> None:
    first = deployment(60)
    deployment(50)
    for days in (60, 50, 40):
        row("a", days=days, deployment=first)
    row("a", days=1)


def test_a_dry_run_of_prune_counts_what_a_run_deletes() -> None:
    a_bit_of_all()
    before = left()
    counted = pruned(dry_run=True)
    assert left() == before
    assert counted == pruned() == {"uploads": 3, "deployments": 1}


def test_a_second_prune_deletes_nothing() -> None:
    a_bit_of_all()
    pruned()
    assert pruned() == {}


@pytest.mark.parametrize("options", [{"days": 0}, {"days": -1}, {"days": 1, "batch": 0}])
def test_prune_refuses_to_delete_rows_of_the_last_day(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="last day"):
        pruned(**options)


# --- while others upload (X8) -----------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_between_two_batches_another_connection_adds_a_row_at_once() -> None:
    for days in (90, 80, 70, 60):
        row("a", days=days)
    row("b")
    fields = UploadLog._meta.concrete_fields
    names = [field.column for field in fields if not (field.primary_key or field.generated)]
    columns = ", ".join(map(connection.ops.quote_name, names))
    again = (
        f"INSERT INTO {TABLE} ({columns}) SELECT {columns} FROM {TABLE} ORDER BY id DESC LIMIT 1"
    )
    with another_connection() as other:
        execute(other, IMPATIENT)
        for number, _counts in enumerate(prune(30, batch=1), 1):
            execute(other, again)
            assert UploadLog.objects.filter(key="b").count() == 1 + number
    assert (number, UploadLog.objects.filter(key="a").count()) == (3, 1)


# --- releases ---------------------------------------------------------------------------------


def test_prune_keeps_the_newest_deployment_of_each_folder() -> None:
    stays = [deployment(60), deployment(60)]
    Deployment.objects.filter(pk=stays[0].pk).update(folder="docs/")
    assert pruned() == {}


def test_prune_keeps_the_deployments_of_the_last_releases() -> None:
    made = [deployment(days) for days in (70, 60, 50)]
    for each in made:
        Deployment.objects.filter(pk=each.pk).update(release=release())
    assert pruned(releases=2) == {"deployments": 1}
    assert set(Deployment.objects.all()) == {*made[1:]}


def test_after_prune_a_folder_names_the_newest_failure_that_is_left() -> None:
    kept, other = deployment(70, "failed"), deployment(60, "failed")
    live = deployment(50)
    first, second = release(), release()
    Deployment.objects.filter(pk=kept.pk).update(release=first)
    Deployment.objects.filter(pk__in=[other.pk, live.pk]).note(release=second)
    assert FolderState.objects.get().failed == other
    assert pruned() == {"deployments": 1}
    here = FolderState.objects.get()
    assert (here.wanted, here.live, here.failed) == (live, live, kept)


def release(days: float = 60, *files: ReleaseFile) -> Release:
    """Make a release that a deploy used so many days ago."""
    packed = pack([ReleaseFile(f"{Release.objects.count()}.js", 0, "0" * 32, "0" * 64, NO_HEADERS)])
    packed = pack(files) if files else packed
    return Release.objects.create(
        digest=packed.digest,
        files=packed.files,
        count=packed.count,
        size=packed.size,
        used=timezone.now() - timedelta(days=days),
    )


def releases_pruned(count: int = 1, **options: Any) -> Counter[str]:
    counts = Counter[str]()
    for kind, number in prune_releases(count, **options):
        counts[kind] += number
    return counts


def test_releases_go_but_for_the_last_of_each_environment() -> None:
    gone, before, live = (release() for _ in range(3))
    made = [
        Deployment.objects.create(env=ENV, release=each, outcome="done")
        for each in (gone, before, live)
    ]
    assert releases_pruned(2) == {"releases": 1}
    assert set(Release.objects.all()) == {before, live}
    assert [Deployment.objects.get(pk=each.pk).release for each in made] == [None, before, live]


def test_a_release_that_another_environment_has_live_stays() -> None:
    shared, live = release(), release()
    for env, each in ((ENV, shared), ("tenant-b", shared), (ENV, live)):
        Deployment.objects.create(env=env, release=each, outcome="done")
    assert releases_pruned() == {}


@pytest.mark.parametrize(("hours", "left"), [(23, 1), (25, 0)])
def test_a_release_that_was_used_within_a_day_stays(hours: int, left: int) -> None:
    """A deploy under way has no row yet that names it."""
    release(hours / 24)
    releases_pruned()
    assert Release.objects.count() == left


def test_a_release_that_a_deploy_takes_meanwhile_stays() -> None:
    taken = [release(), release()]
    steps = prune_releases()
    assert next(steps) == ("releases", 1)
    Release.objects.update(used=timezone.now())
    assert list(steps) == []
    assert Release.objects.get() == taken[1]


def test_a_release_that_is_deployed_while_it_is_looked_at_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Although the clock of this machine is a day ahead, so that its use seems to be long ago."""
    old, new = release(), release()

    def then_deployed(count: int) -> Retained:
        found = find_retained(count)
        Deployment.objects.create(env=ENV, outcome="done", release=old)
        return found

    Deployment.objects.create(env=ENV, outcome="done", release=new)
    monkeypatch.setattr("wx_static_store.log.prune.find_retained", then_deployed)
    assert releases_pruned() == Counter()
    assert Deployment.objects.latest("pk").release == old


def test_a_dry_run_deletes_no_release() -> None:
    release()
    assert releases_pruned(dry_run=True) == {"releases": 1}
    assert Release.objects.count() == 1


def test_lists_of_files_are_not_read_where_no_bytes_are_kept() -> None:
    release()
    with CaptureQueriesContext(connection) as queries:
        releases_pruned()
    assert [query["sql"] for query in queries if "files" in query["sql"]] == []


# --- the bytes of releases ----------------------------------------------------------------------


@pytest.fixture
def folder(configure: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "releases"
    local = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(folder)},
    }
    configure(
        WX_STATIC_STORE={"RELEASE_STORAGE": "releases"},
        STORAGES={
            "default": {"BACKEND": "wx_static_store.storage.WxStorage"},
            "releases": local,
        },
    )
    return folder


def kept_release(**files: bytes) -> Release:
    """Make an old release whose bytes are kept."""
    items = [fingerprint(item) for item in deploys.items(**files)]
    with WorkerPool(2) as pool:
        kept.keep(items, pool)
    KeptFile.objects.update(used=timezone.now() - timedelta(days=60))
    return release(
        60,
        *(
            ReleaseFile(each.name, each.size or 0, each.md5 or "", each.sha256 or "", NO_HEADERS)
            for each in items
        ),
    )


def bodies(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_bytes_go_that_only_old_releases_name(folder: Path) -> None:
    old, live = kept_release(a_js=b"1", b_js=b"22"), kept_release(a_js=b"1", c_js=b"333")
    for each in (old, live):
        Deployment.objects.create(env=ENV, release=each, outcome="done")
    expected = {"releases": 1, "files": 1, "bytes": 2}
    assert releases_pruned(dry_run=True) == expected
    assert bodies(folder) == [b"1", b"22", b"333"]
    assert releases_pruned() == expected
    assert bodies(folder) == [b"1", b"333"]


def test_a_run_after_an_interrupted_one_frees_what_that_left(folder: Path) -> None:
    kept_release(a_js=b"1")
    assert next(prune_releases()) == ("releases", 1)
    assert bodies(folder) == [b"1"]
    assert releases_pruned() == {"files": 1, "bytes": 1}
    assert bodies(folder) == []


@pytest.mark.parametrize(("state", "stays"), [("running", True), ("stopped", False)])
def test_prune_deletes_a_rollout_that_ended_long_ago(state: str, stays: bool) -> None:
    long_ago = timezone.now() - timedelta(days=60)
    rollout = Rollout.objects.create(using="site", waves="100%", state=state, ended=long_ago)
    RolloutEnvironment.objects.create(rollout=rollout, env=ENV, position=0, wave=1)
    assert pruned()["rollouts"] == (not stays)
    assert RolloutEnvironment.objects.exists() == stays
