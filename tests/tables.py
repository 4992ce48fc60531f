"""One test of a whole table."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest


def each(names: str | tuple[str, ...], rows: Iterable[Any]) -> Callable[[Any], Any]:
    """
    Run a test with each row of a table, as `parametrize` does, but as one test.

    It is for large tables of small facts: pytest takes longer for a test than such a row needs. All
    rows have the same fixtures; each row that fails is reported.
    """
    wanted = tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else names
    table = list(rows)
    assert table, "a test of no row cannot fail"

    def decorate(test: Any) -> Any:
        @functools.wraps(test)
        def of_each_row(**fixtures: Any) -> None:
            failures = []
            for row in table:
                values = row if len(wanted) > 1 else [row]
                try:
                    test(**dict(zip(wanted, values, strict=True)), **fixtures)
                except (Exception, pytest.fail.Exception) as failure:  # noqa: BLE001 (kept)
                    failure.add_note(f"The row is {row!r:.200}")
                    failures.append(failure)
            if len(failures) == 1:
                raise failures[0]
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} rows of {len(table)}", failures)

        signature = inspect.signature(test)
        fixtures = [p for name, p in signature.parameters.items() if name not in wanted]
        of_each_row.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return of_each_row

    return decorate


def none_of(sentences: Iterable[str]) -> None:
    """Fail with these sentences alone: each says what is missing, and where it belongs."""
    if text := "\n".join(sentences):
        pytest.fail(text, pytrace=False)
