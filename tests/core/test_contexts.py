"""A context variable that has a value in one block."""

from contextvars import ContextVar

import pytest

from wx_static_store.core.contexts import during

VARIABLE: ContextVar[int] = ContextVar("variable", default=0)


def test_the_value_is_that_of_the_block() -> None:
    with during(VARIABLE, 1) as given:
        assert VARIABLE.get() == given == 1
        with during(VARIABLE, 2):
            assert VARIABLE.get() == 2
        assert VARIABLE.get() == 1
    assert VARIABLE.get() == 0


def test_an_error_in_the_block_ends_the_value() -> None:
    with pytest.raises(KeyboardInterrupt), during(VARIABLE, 1):
        raise KeyboardInterrupt
    assert VARIABLE.get() == 0
