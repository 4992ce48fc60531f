"""Show the numbers of a rollout: the size of each wave, and how many may fail."""

import pytest

from wx_static_store.rollouts.waves import DEFAULT, RolloutRefused, tolerated, wave_sizes


@pytest.mark.parametrize(
    ("waves", "count", "sizes"),
    [
        (DEFAULT, 200, [1, 19, 180]),
        (DEFAULT, 1, [1]),
        (DEFAULT, 2, [1, 1]),
        (DEFAULT, 5, [1, 1, 3]),  # 10 % of 5 is 0: at least one
        ("100%", 7, [7]),
        ("3,7", 7, [3, 4]),
        ("25%,50%,100%", 10, [2, 3, 5]),
        ("50%, 100%", 3, [1, 2]),
        ("1,9", 5, [1, 4]),  # more than there are
    ],
)
def test_a_wave_ends_where_it_says(waves: str, count: int, sizes: list[int]) -> None:
    assert wave_sizes(waves, count) == sizes


@pytest.mark.parametrize(
    "waves", ["", "0", "0%,100%", "1,10%", "5,3,100%", "50%,20%,100%", "1,200%", "one", "1,,100%"]
)
def test_waves_that_do_not_reach_all_are_refused(waves: str) -> None:
    with pytest.raises(RolloutRefused, match="--waves"):
        wave_sizes(waves, 40)


@pytest.mark.parametrize(
    ("tolerate", "count", "number"), [("0", 10, 0), ("3", 10, 3), ("25%", 10, 2), ("25%", 3, 0)]
)
def test_a_tolerated_percentage_is_rounded_down(tolerate: str, count: int, number: int) -> None:
    assert tolerated(tolerate, count) == number


def test_no_more_failures_are_tolerated_than_there_are_environments() -> None:
    assert tolerated("9" * 20, 10) == 10


@pytest.mark.parametrize("tolerate", ["", "-1", "1.5", "101%", "%"])
def test_a_tolerance_that_is_no_number_is_refused(tolerate: str) -> None:
    with pytest.raises(RolloutRefused, match="--tolerate"):
        tolerated(tolerate, 10)
