"""The target of the fuzzer, without atheris: a finding is one, and nothing among these is."""

import random
import sys
from typing import Any

import pytest

from tests.callback import fuzz
from tests.tables import each

pytestmark = pytest.mark.django_db


@each("number", range(10))
def test_each_seed_gets_the_status_of_its_mode(number: int) -> None:
    data, status = [*fuzz.seeds().items()][number]
    assert fuzz.one_input(data) == status


def test_every_mode_has_a_seed() -> None:
    assert len(fuzz.seeds()) == 10
    assert {data[0] & 7 for data in fuzz.seeds()} == {*range(len(fuzz.modes()))}


def test_the_fuzzer_finds_nothing_in_a_thousand_damaged_seeds() -> None:
    dice, seeds = random.Random(7), [*fuzz.seeds()]
    statuses = set()
    for _ in range(1000):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        statuses.add(fuzz.one_input(bytes(data)))
    assert {200, 403} <= statuses


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"", 403), (b"\0", 403), (b"\x80", 403), (bytes(fuzz.SIZE), 403), (b"\1" * fuzz.SIZE, 413)],
)
def test_the_fuzzer_finds_nothing_in_extreme_inputs(data: bytes, status: int) -> None:
    assert fuzz.one_input(data) == status


def test_an_exception_and_an_odd_status_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    from wx_static_store.callback import views

    def fail(*args: Any) -> None:
        raise IndexError

    def tease(*args: Any) -> None:
        raise views.Refusal("tea", 418)

    for answer, finding in ((fail, IndexError), (tease, AssertionError)):
        monkeypatch.setattr(views, "_answer", answer)
        with pytest.raises(finding):
            fuzz.one_input(b"\0")


def test_a_slow_answer_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "SECONDS", 0.0)
    with pytest.raises(AssertionError, match="too long"):
        fuzz.one_input(b"\0")


def test_the_fuzzer_without_atheris_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    with pytest.raises(SystemExit, match="pip install"):
        fuzz.main([])
