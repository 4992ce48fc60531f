"""Texts that every database keeps."""

import pytest

from wx_static_store.models import Deployment, fitting


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a" * 300, "a" * 200), ("a\0b", r"a\x00b"), ("a\udc80", r"a\udc80")],
    ids=["too long", "NUL", "lone surrogate"],
)
def test_a_text_is_made_to_fit_its_column(text: str, kept: str) -> None:
    assert fitting(Deployment, {"label": text}) == {"label": kept}


def test_what_is_no_text_stays_as_it_is() -> None:
    assert fitting(Deployment, {"stored": 3, "user_id": None}) == {"stored": 3, "user_id": None}
