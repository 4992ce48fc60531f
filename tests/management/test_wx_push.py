"""``wx_push``: what it prints, and its exit codes."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import lost_table
from tests.log.conftest import run
from tests.upload.conftest import Shop, shop as shop, wait_at_a_wrong_store
from wx_static_store.models import WaitingFile

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Shop]
NOTHING = "stored 0, deleted 0, parked 0, failed 0, elsewhere 0"


def test_it_says_what_it_sent(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    assert run("wx_push") == (0, NOTHING.replace("stored 0", "stored 1") + "\n")
    assert here.public() == {"a.txt": b"tea"}


def test_nothing_to_do_is_well(shop: Make) -> None:
    shop()
    assert run("wx_push") == (0, NOTHING + "\n")


def test_what_still_waits_is_exit_code_1(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    here.begin_outage()
    code, said = run("wx_push")
    assert (code, "failed 1" in said, "1 wait, 0 need a person" in said) == (1, True, True)


def test_what_needs_a_person_is_exit_code_1(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(state="parked")
    code, said = run("wx_push")
    assert (code, "0 wait, 1 need a person" in said) == (1, True)


def test_a_failed_upload_is_no_file_that_waits(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(state="left")
    assert run("wx_push")[0] == 0


def test_wrong_settings_are_exit_code_2(shop: Make, settings: object) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    settings.WX_STATIC_STORE = {  # type: ignore[attr-defined]
        **settings.WX_STATIC_STORE,  # type: ignore[attr-defined]
        "ACCESS_TOKEN": None,
        "COMPONENT_APPSECRET": None,
    }
    code, said = run("wx_push")
    assert (code, "no source of a component_access_token" in said) == (2, True)
    assert not WaitingFile.objects.exclude(leased_until=None).exists()


def test_a_store_with_wrong_settings_hides_no_count_of_the_others(
    shop: Make, settings: Any
) -> None:
    wait_at_a_wrong_store(shop, settings)
    code, said = run("wx_push")
    assert (code, "stored 1" in said, "max_attempts" in said) == (1, True, True)


def test_without_a_waiting_storage_the_exit_code_is_2(shop: Make, settings: Any) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    settings.WX_STATIC_STORE = dict(settings.WX_STATIC_STORE)
    del settings.WX_STATIC_STORE["WAITING_STORAGE"]
    code, said = run("wx_push")
    assert (code, "WAITING_STORAGE is not set" in said) == (2, True)


def test_a_watch_outlives_an_error_of_the_database(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(state="parked")

    def pauses() -> Iterator[None]:
        with lost_table(WaitingFile):
            yield
        WaitingFile.objects.update(state="due")
        yield
        signal.raise_signal(signal.SIGINT)
        yield

    each = pauses()
    monkeypatch.setattr(time, "sleep", lambda seconds: next(each))
    code, said = run("wx_push", "--watch")
    assert (code, "stored 1" in said, "no_such_table" in said) == (130, True, True)


def test_a_dry_run_lists_what_is_due_and_sends_nothing(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    WaitingFile.objects.update(message="COS is busy")
    code, said = run("wx_push", "-n")
    [line, *_rest] = said.splitlines()
    assert (code, line.split()[0], line.endswith("a.txt  COS is busy")) == (1, "save", True)
    assert here.public() == {}


def test_json_is_one_object(shop: Make) -> None:
    shop().save_in_outage(b"tea")
    code, said = run("wx_push", "--json")
    numbers = {"stored": 1, "deleted": 0, "parked": 0, "failed": 0, "elsewhere": 0}
    assert (code, json.loads(said)) == (0, numbers | {"wait": 0, "need_a_person": 0})


def test_a_watch_goes_on_until_it_is_interrupted(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shop()
    later = iter(["b.txt", "c.txt"])

    def pause(seconds: float) -> None:
        if name := next(later, ""):
            here.save_in_outage(b"tea", name)
        else:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(time, "sleep", pause)
    code, said = run("wx_push", "--watch")
    assert (code, "stored 2" in said) == (130, True)
    assert here.public() == {"b.txt": b"tea", "c.txt": b"tea"}
