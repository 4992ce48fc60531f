"""What holds of waiting files whatever happens, one test for each rule."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F

from tests.upload.conftest import Shop
from wx_static_store.models import WaitingFile
from wx_static_store.upload import push as pushes, waiting
from wx_static_store.upload.push import push
from wx_static_store.upload.waiting import open_row
from wx_static_store.upload.waiting_bytes import path_for

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Shop]


def push_until_nothing_is_due() -> None:
    for _run in range(5):
        WaitingFile.objects.update(next_at=F("next_at") - timedelta(seconds=700))
        push()


def test_a_row_never_names_bytes_that_are_not_there(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, insert = shop(wait="always"), waiting._insert

    def checked(options: object, key: str, columns: dict[str, str]) -> bool:
        assert (here.folder / path_for(columns["token"])).read_bytes() == b"tea"
        return insert(options, key, columns)  # type: ignore[arg-type]

    monkeypatch.setattr(waiting, "_insert", checked)
    here.save(b"tea")
    assert here.waiting() == {"a.txt": "save"}


def test_nothing_of_a_transaction_that_is_rolled_back_is_ever_sent(shop: Make) -> None:
    here = shop(wait="always", file_overwrite=True)
    here.save(b"older")
    with transaction.atomic():
        here.save(b"rolled back")
        here.save(b"rolled back", "b.txt")
        transaction.set_rollback(True)
    push_until_nothing_is_due()
    assert here.public() == {"a.txt": b"older"}


@pytest.mark.parametrize("outage", ["111", "110", "101", "011", "100", "010", "001", "000"])
def test_the_last_change_of_a_key_wins_whichever_of_them_waited(shop: Make, outage: str) -> None:
    here = shop(file_overwrite=True)
    changes: tuple[Callable[[], object], ...] = (
        lambda: here.save(b"first"),
        lambda: here.storage.delete("a.txt"),
        lambda: here.save(b"last"),
    )
    for away, change in zip(outage, changes, strict=True):
        here.notice_outage() if away == "1" else here.end_outage()
        change()
    here.end_outage()
    push_until_nothing_is_due()
    assert (here.public(), here.kept()) == ({"a.txt": b"last"}, [])


@pytest.mark.parametrize("pushed", [True, False])
def test_after_a_deletion_and_a_push_no_old_bytes_are_public(shop: Make, pushed: bool) -> None:
    here = shop()
    here.save_in_outage(b"secret")
    if pushed:
        push()
    here.notice_outage()
    here.storage.delete("a.txt")
    here.end_outage()
    push_until_nothing_is_due()
    assert b"secret" not in here.public().values()
    assert not here.storage.exists("a.txt")


def test_one_bad_file_keeps_no_other_from_being_sent(shop: Make) -> None:
    here = shop(max_workers=1, max_attempts=1)
    for name in ("bad.txt", "refused.txt", "good.txt"):
        here.save_in_outage(b"tea", name)
    always = {"on": "staticuploadfile", "do": "errcode", "times": None}
    here.cloud.script(
        always | {"key": "bad.txt", "errcode": -1},
        always | {"key": "refused.txt", "errcode": 40097},
    )
    push_until_nothing_is_due()
    assert here.public() == {"good.txt": b"tea"}
    assert set(here.waiting()) == {"bad.txt", "refused.txt"}


def test_no_two_pushes_send_a_row_at_the_same_time(
    shop: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, counts = shop(max_workers=1), list[Counter[str]]()
    here.save_in_outage(b"tea")

    def push_meanwhile(row: WaitingFile) -> object:
        counts.append(push())
        return open_row(row)

    monkeypatch.setattr(pushes, "open_row", push_meanwhile)
    assert push() == {"stored": 1}
    assert counts == [Counter()]
    assert len(here.cloud.calls("put_object")) == 1


def test_a_file_that_cannot_be_sent_stays_until_a_person_acts(shop: Make) -> None:
    here = shop()
    here.save_in_outage(b"tea")
    always = {"on": "staticuploadfile", "do": "errcode", "times": None}
    here.cloud.script(always | {"errcode": 40097})
    push_until_nothing_is_due()
    assert list(waiting.sweep()) == []
    assert (here.waiting(), here.kept()) == ({"a.txt": "save"}, [b"tea"])
