"""What fails on the way to a server; tests/clients/test_on_the_way.py plays it over sockets."""

from __future__ import annotations

from tests.tables import each
from wx_static_store.causes import CAUSES, Remedy
from wx_static_store.causes.wire import CERTIFICATES, TABLE, of_status

UNTRUSTED = {"tls.expired", "tls.early", "tls.name", "tls.issuer", "tls.other"}


def test_each_cause_says_what_it_means_and_has_a_remedy_of_its_own() -> None:
    titles, operators = {entry.title for entry in TABLE}, {entry.operator for entry in TABLE}
    assert len(titles) == len(operators) == len(TABLE)
    assert all(entry.means and entry.operator and entry.editor for entry in TABLE)


def test_each_cause_is_found_by_its_code() -> None:
    assert {entry.id for entry in TABLE} <= CAUSES.keys()
    assert {*CERTIFICATES.values()} < UNTRUSTED < CAUSES.keys()


@each("cause", sorted(UNTRUSTED))
def test_a_certificate_that_is_refused_stops_a_batch_until_something_is_changed(cause: str) -> None:
    entry = CAUSES[cause]
    assert (entry.error, entry.remedy, entry.stops_batch) == ("TlsFailed", Remedy.CHANGE, True)


@each("cause", ["tls.broken", "proxy.away", "proxy.gateway", "proxy.hangs", "http.gateway"])
def test_trouble_on_the_way_may_pass(cause: str) -> None:
    assert (CAUSES[cause].remedy, CAUSES[cause].stops_batch) == (Remedy.WAIT, False)


@each(
    ("status", "cause"),
    [
        (500, "http.gateway"), (502, "http.gateway"), (599, "http.gateway"),
        (429, "http.throttled"),
        (300, "http.redirect"), (302, "http.redirect"), (399, "http.redirect"),
        (200, "http.portal"), (201, "http.page"), (299, "http.page"),
        (400, "http.page"), (404, "http.page"), (428, "http.page"), (499, "http.page"),
    ],
)  # fmt: skip
def test_a_status_says_who_answered_in_place_of_the_server(status: int, cause: str) -> None:
    assert of_status(status).id == cause
