"""wx_explain: what a code means, or why an upload of the log failed."""

from typing import Any

import pytest

from tests.log.conftest import row, run
from tests.tables import each

pytestmark = pytest.mark.django_db


def explained(code: str, *options: str) -> str:
    status, said = run("wx_explain", *options, code)
    assert status == 0
    return said


@each(
    ("code", "first"),
    [
        ("85088", "85088: Cloud development is not open for this environment"),
        ("-1000", "-1, -1000, -501001, -501002, -503001, -601001, -601003: WeChat is busy"),
        ("accessdenied", "AccessDenied, cos.403: COS denies the access"),
        ("W020", "W020: "),
        ("wx_static_store.W023", "W023: "),  # as `check` prints it
        ("probe.answers", "probe.answers: "),
        ("TlsFailed", "TlsFailed: The encrypted connection failed"),
        ("protected", "protected: … is a protected file"),
    ],
)
def test_a_code_of_any_kind_is_explained(code: str, first: str) -> None:
    assert explained(code).startswith(first)


def test_an_entry_is_printed_whole() -> None:
    assert explained("61004") == (
        "61004, 40164, 45035: This server's address is not in the IP whitelist\n"
        "  What it means: The open platform answers listed addresses only. The address of the "
        "server has changed, or calls leave by a proxy. Tickets still arrive.\n"
        "  For the editor: Your file is in order. Ask the site's operator to repair the cause, "
        "then upload it again.\n"
        "  For the operator: Add the server's address (…) to the IP whitelist of your platform, "
        "on its page at the open platform. Then try again.\n"
        "  Trying again: A new try helps only after something was changed.\n"
        "  Where it lies: this project: its settings, files and servers\n"
    )


def test_its_place_in_the_documentation_is_an_address(settings: Any) -> None:
    settings.WX_STATIC_STORE = {**settings.WX_STATIC_STORE, "DOCS_URL": "https://docs.example/"}
    assert explained("TlsFailed").endswith(
        "  Documentation: https://docs.example/troubleshooting/exceptions.html#exception-TlsFailed\n"
    )


def test_each_refusal_of_a_code_is_printed() -> None:
    assert explained("forbidden").count("forbidden: ") == 2


# --- rows -------------------------------------------------------------------------------------


def test_a_row_is_explained_with_its_own_facts() -> None:
    message = "it was refused: not allowed requestIP: 203.0.113.7"
    failed = row("a.css", status="failed", cause="61004", message=message)
    for code in (f"#{failed.pk}", str(failed.pk)):
        said = explained(code)
        assert said.startswith(f"#{failed.pk} a.css: failed\n{message}\n61004, ")
        assert "address (203.0.113.7) to the IP whitelist" in said


def test_a_stored_file_has_nothing_to_explain() -> None:
    stored = row("a.css")
    assert explained(f"#{stored.pk}") == f"#{stored.pk} a.css: stored\n"


def test_a_number_that_is_an_errcode_is_a_row_if_one_says_so() -> None:
    row("a.css", id=85088, status="failed", cause="45009")
    assert explained("85088").startswith("85088: ")
    assert explained("85088", "--row").startswith("#85088 a.css: failed\n")


@each(
    ("code", "near"),
    [("AcessDenied", "Did you mean AccessDenied?"), ("8508", "Did you mean 85088?"), ("#7", "")],
)
def test_a_code_of_no_entry_names_the_nearest(code: str, near: str) -> None:
    status, said = run("wx_explain", code)
    assert (status, said.startswith(f"There is no entry {code}. {near}")) == (1, True)
