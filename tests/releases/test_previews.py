"""Previews after their end: blanked, or still listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.conftest import ENV
from tests.deploys import TREE, bodies, fails, run, write
from tests.log.conftest import run as execute
from tests.management.conftest import dist as dist
from tests.management.test_wx_deploy_preview import below, cloud as cloud, preview
from wx_static_store import tasks
from wx_static_store.core.types import DELETED
from wx_static_store.emulator import EmulatorServer
from wx_static_store.log.retention import find_retained
from wx_static_store.models import Deployment, FolderState
from wx_static_store.releases import previews

pytestmark = pytest.mark.django_db


def end(folder: str) -> None:
    FolderState.objects.in_folder(folder).update(ends=timezone.now())


def prune() -> tuple[int, str]:
    return execute("wx_prune", "--releases=10", "--yes")


def test_an_ended_preview_is_blanked_and_others_stay(cloud: EmulatorServer, dist: Path) -> None:
    run(dist, using="site")
    stays = preview(dist, name="stays")
    write(dist, {"MP_verify_a.txt": b"never stale in a site"})
    over = preview(dist, name="over")
    end(over)
    assert prune() == (0, "deleted: ended previews 1\n")
    assert {*below(cloud, over).values()} == {DELETED}
    assert DELETED not in below(cloud, stays).values()
    assert bodies(cloud)["index.html"] == TREE["index.html"]
    assert prune() == (0, "deleted: nothing\n")
    write(dist, {"logo.svg": b"<svg/>"})
    assert preview(dist, name="over") == over
    assert DELETED not in below(cloud, over).values()


def test_files_of_a_preview_that_lie_as_in_a_preview_are_verified_and_blanked(
    cloud: EmulatorServer, dist: Path
) -> None:
    write(dist, {"_preview/old-1a2b3c4d/logo.svg": b"<svg/>"})
    folder = preview(dist, verify=True)
    end(folder)
    prune()
    assert {*below(cloud, folder).values()} == {DELETED}


def test_what_cannot_be_blanked_is_listed_until_it_is(cloud: EmulatorServer, dist: Path) -> None:
    folder = preview(dist)
    end(folder)
    cloud.script({"on": "put_object", "do": "cos_error", "status": 403, "code": "AccessDenied",
                  "key": f"{folder}logo.svg", "times": None})  # fmt: skip
    for _time in range(2):
        code, said = prune()
        assert code == 1
        assert f"The preview {ENV} /{folder} has ended, and is still public:" in said
        assert f"{folder}logo.svg" in said
    cloud.script()
    cloud.state.script.clear()
    assert prune()[0] == 0
    assert {*below(cloud, folder).values()} == {DELETED}


def test_an_end_that_was_killed_before_it_blanked_anything_is_done_again(
    cloud: EmulatorServer, dist: Path
) -> None:
    folder = preview(dist)
    end(folder)
    prune()
    cloud.put_object(f"{folder}left.js", b"left")
    newest = Deployment.objects.latest("id")
    Deployment.objects.filter(pk=newest.pk).note(checked="")  # as the killed run left it
    assert prune() == (0, "deleted: ended previews 1\n")
    assert bodies(cloud)[f"{folder}left.js"] == DELETED


def test_a_roll_back_of_an_ended_preview_is_blanked_again(
    cloud: EmulatorServer, dist: Path
) -> None:
    folder = preview(dist)
    end(folder)
    prune()
    run(using="site", preview="new/menu", rollback=True)
    assert DELETED not in below(cloud, folder).values()
    prune()
    assert {*below(cloud, folder).values()} == {DELETED}


def test_of_an_ended_preview_only_the_newest_release_stays(
    cloud: EmulatorServer, dist: Path
) -> None:
    folder = preview(dist)
    end(folder)
    prune()
    newest = Deployment.objects.latest("id")
    assert find_retained().releases == {newest.release_id}


def test_the_task_of_celery_blanks_it_too(cloud: EmulatorServer, dist: Path) -> None:
    folder = preview(dist)
    end(folder)
    tasks.prune.run()
    assert {*below(cloud, folder).values()} == {DELETED}


def test_the_task_of_celery_logs_what_it_could_not_blank(
    cloud: EmulatorServer, dist: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    folder = preview(dist)
    end(folder)
    stores = {alias: store for alias, store in settings.STORAGES.items() if alias != "site"}
    settings.STORAGES = stores
    tasks.prune.run()
    assert f"The preview {ENV} /{folder} has ended, and is still public:\n" in caplog.text


def test_a_preview_that_is_published_at_this_moment_is_not_blanked(
    cloud: EmulatorServer, dist: Path
) -> None:
    folder = preview(dist)
    end(folder)
    row = FolderState.objects.get()
    preview(dist)
    assert previews._blank(row) == "It was published again meanwhile"
    assert DELETED not in below(cloud, folder).values()


def test_a_preview_whose_only_run_failed_is_blanked(cloud: EmulatorServer, dist: Path) -> None:
    write(dist, {"no\\key.txt": b"tea"})
    fails(dist, "--preview", "menu", using="site", code=1)
    end(FolderState.objects.get().folder)
    assert prune()[0] == 0
    assert {*bodies(cloud).values()} == {DELETED}
