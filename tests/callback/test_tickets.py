"""The newest ticket is kept in two places, sealed; either is enough."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection, connections, transaction

from tests.callback.conftest import BROKEN, DUMMY, LogLines
from tests.callback.pushes import APPID, TICKET
from tests.conftest import lost_table
from tests.notes import plant, planted
from wx_static_store.callback.models import VerifyTicket
from wx_static_store.callback.tickets import newest, save
from wx_static_store.core.secrets import Secret
from wx_static_store.exceptions import TokenUnavailable

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = 3600
IN_MEMORY = connection.vendor == "sqlite"


def keep(text: str = TICKET, age: float = 0, appid: str = APPID) -> None:
    save(appid, Secret(text), int(time.time() - age))


def raw_row() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {VerifyTicket._meta.db_table}")
        return str(cursor.fetchall())


# --- which one ------------------------------------------------------------------------------------


def test_the_newest_ticket_wins_in_whatever_order_tickets_come() -> None:
    for text, age in [("b", 20), ("c", 10), ("a", 30)]:
        keep(text, age)
    assert newest(APPID) == "c"
    cache.clear()
    assert newest(APPID) == "c"
    assert VerifyTicket.objects.count() == 1


def test_each_platform_has_a_ticket_of_its_own() -> None:
    keep("ours")
    keep("theirs", appid="wx0000000000000002")
    assert (newest(APPID), newest("wx0000000000000002")) == ("ours", "theirs")


def test_without_a_push_there_is_no_ticket_and_no_warning(logged: LogLines) -> None:
    assert newest(APPID) == ""
    assert logged.tokens == []


def test_a_ticket_in_the_cache_needs_no_query(django_assert_num_queries: Any) -> None:
    keep()
    with django_assert_num_queries(0):
        assert newest(APPID) == TICKET


# --- its age (T06) --------------------------------------------------------------------------------


def test_a_ticket_under_an_hour_old_is_returned_without_a_warning(logged: LogLines) -> None:
    keep(age=HOUR - 60)
    assert newest(APPID) == TICKET
    assert logged.tokens == []


def test_a_ticket_over_an_hour_old_is_returned_with_a_warning(logged: LogLines) -> None:
    keep(age=2.5 * HOUR)
    assert newest(APPID) == TICKET
    [line] = logged.tokens
    assert line.startswith("WARNING")
    assert "2.5 hours" in line


@pytest.mark.parametrize("where", ["both", "database", "cache"])
def test_a_ticket_over_twelve_hours_old_is_refused_with_its_age(where: str) -> None:
    keep(age=12 * HOUR + 400)
    if where == "database":
        cache.clear()
    if where == "cache":
        VerifyTicket.objects.all().delete()
    with pytest.raises(TokenUnavailable, match=r"12\.1 hours old.*api_start_push_ticket"):
        newest(APPID)


def test_a_ticket_just_under_twelve_hours_old_is_valid() -> None:
    keep(age=11.9 * HOUR)
    assert newest(APPID) == TICKET


def test_an_older_ticket_in_the_cache_does_not_hide_the_database_s() -> None:
    keep("old", age=13 * HOUR)
    behind = planted("ticket", APPID)
    keep("new", age=60)
    plant("ticket", APPID, behind)
    assert newest(APPID) == "new"


def test_an_older_ticket_in_the_database_does_not_hide_the_cache_s() -> None:
    keep("old", age=3 * HOUR)
    with lost_table(VerifyTicket):
        keep("new", age=2 * HOUR)
    assert newest(APPID) == "new"


# --- at rest (S7) ---------------------------------------------------------------------------------


def test_neither_cache_nor_database_holds_the_ticket_in_plain_text() -> None:
    keep()
    for place in (raw_row(), repr(planted("ticket", APPID))):
        assert APPID in place or "gAAAA" in place
        for form in (TICKET, TICKET.encode().hex(), base64.b64encode(TICKET.encode()).decode()):
            assert form not in place


def test_cache_and_database_hold_the_same_sealed_ticket() -> None:
    keep()
    assert VerifyTicket.objects.get().sealed in planted("ticket", APPID)


def test_a_ticket_sealed_with_a_fallback_key_can_be_read(settings: Any) -> None:
    keep()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert newest(APPID) == TICKET


def test_the_next_push_is_sealed_with_the_new_secret_key(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    keep()
    settings.SECRET_KEY_FALLBACKS = []
    assert newest(APPID) == TICKET


def test_a_ticket_that_no_key_opens_is_an_error_which_names_the_fix(
    settings: Any, logged: LogLines
) -> None:
    keep()
    settings.SECRET_KEY = "another"
    with pytest.raises(TokenUnavailable, match=r"cannot be decrypted.*SECRET_KEY_FALLBACKS"):
        newest(APPID)
    assert len(logged.tokens) == 2  # of the cache's and of the database's
    assert all("SECRET_KEY_FALLBACKS" in line for line in logged.tokens)


# --- places that fail -----------------------------------------------------------------------------


@pytest.mark.parametrize("caches", [BROKEN, DUMMY], ids=["broken", "dummy"])
def test_the_error_about_a_ticket_that_cannot_be_kept_does_not_show_the_ticket(
    caches: Any, settings: Any, logged: LogLines
) -> None:
    settings.CACHES = caches
    with lost_table(VerifyTicket), pytest.raises(TokenUnavailable) as caught:
        keep()
    assert "planted" not in str(caught.value)
    assert logged.secrets == []


def test_the_cache_without_the_database_keeps_the_newest_ticket_only() -> None:
    with lost_table(VerifyTicket):
        keep("b", age=20)
        keep("a", age=30)
        assert newest(APPID) == "b"


def test_while_cache_and_database_fail_the_database_is_named_in_error_and_log(
    settings: Any, logged: LogLines
) -> None:
    keep()
    settings.CACHES = BROKEN
    failure = r"cannot be read from the database .*(Operational|Programming)Error"
    with lost_table(VerifyTicket), pytest.raises(TokenUnavailable, match=failure):
        newest(APPID)
    assert len(logged.tokens) == 2
    assert logged.secrets == []


def test_a_database_that_fails_spoils_no_transaction_of_the_caller() -> None:
    with transaction.atomic():
        with lost_table(VerifyTicket), pytest.raises(TokenUnavailable):
            newest(APPID)
        Group.objects.create(name="kept")
    assert Group.objects.filter(name="kept").exists()


def test_a_project_without_a_database_gets_a_warning_and_an_error(
    settings: Any, logged: LogLines
) -> None:
    from django.db.utils import ConnectionHandler

    handler = ConnectionHandler({"default": {"ENGINE": "django.db.backends.dummy"}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wx_static_store.callback.tickets.connections", handler)
        patch.setattr("django.db.transaction.connections", handler)
        with pytest.raises(TokenUnavailable, match="ImproperlyConfigured"):
            newest(APPID)
    [line] = logged.tokens
    assert "(ImproperlyConfigured)" in line


# --- threads --------------------------------------------------------------------------------------


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[None]:
    """Give all threads one database, as processes have; otherwise SQLite's is in memory."""
    if not IN_MEMORY:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connections.settings["default"], "NAME", str(tmp_path / "tickets.sqlite3"))
        in_thread(create_table)
        yield


def create_table() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(VerifyTicket)


def in_thread(work: Callable[[], object]) -> Any:
    """Return what the call returns in a thread with connections of its own."""
    return in_threads([work])[0]


def in_threads(works: list[Callable[[], object]]) -> list[Any]:
    outcomes: list[Any] = [None] * len(works)

    def run(number: int) -> None:
        try:
            outcomes[number] = works[number]()
        except BaseException as error:  # noqa: BLE001 -- raised again below
            outcomes[number] = error
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes


def test_of_tickets_that_are_saved_at_once_the_newest_stays(shared: None, logged: LogLines) -> None:
    """Twelve threads, each with five of sixty, all in a hurry to write the first row."""
    together, now = threading.Barrier(12), int(time.time())  # once: they take their time

    def saves(thread: int) -> Callable[[], None]:
        def work() -> None:
            together.wait(30)
            for n in range(5):
                age = (thread * 7 + n * 29) % 60
                save(APPID, Secret(f"{age} seconds old"), now - age)

        return work

    in_threads([saves(thread) for thread in range(12)])
    cache.clear()
    assert in_thread(lambda: newest(APPID)) == "0 seconds old"
    assert logged.tokens == []


@pytest.mark.parametrize("opened", [False, True])
def test_reading_a_ticket_leaves_the_database_connection_as_it_was(
    shared: None, opened: bool
) -> None:
    def work() -> bool:
        if opened:
            connection.ensure_connection()
        cache.clear()
        newest(APPID)
        return connection.connection is not None

    assert in_thread(work) is opened
