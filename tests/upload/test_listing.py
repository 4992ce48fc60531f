"""Some thousand keys by few calls of the list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.deploys import lists
from tests.tables import each
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload.listing import Listing, Lookup, _before, most_calls
from wx_static_store.upload.store import get_store
from wx_static_store.upload.workers import WorkerPool


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    cloud: EmulatorServer = configure(WX_STATIC_STORE={"MAX_ATTEMPTS": 1})
    return cloud


def lay_down(cloud: EmulatorServer, keys: Iterable[str]) -> None:
    for key in keys:
        cloud.put_object(key, b"1")


def look_up(keys: Iterable[str], calls: int = 100, workers: int = 4) -> Listing:
    with WorkerPool(workers) as pool:
        lookup = Lookup(get_store(), pool, calls)
        return lookup.ask(sorted(keys))


def numbered(folder: str, count: int) -> list[str]:
    return [f"{folder}{number:05}.js" for number in range(count)]


SITE = [*numbered("css/", 700), *numbered("img/", 600), *numbered("js/", 698)]
SITE += ["index.html", "robots.txt"]


def test_two_thousand_keys_in_three_folders_and_the_root_take_at_most_five_calls(
    cloud: EmulatorServer,
) -> None:
    lay_down(cloud, SITE)
    assert look_up(SITE).files.keys() == {*SITE}
    assert lists(cloud) <= 5


def test_a_key_beside_5000_others_takes_one_call(cloud: EmulatorServer) -> None:
    lay_down(cloud, numbered("media/", 5000))
    key = "media/03500.js"
    assert look_up([key]).files[key].size == 1
    assert lists(cloud) == 1


def test_a_key_of_one_letter_beside_5000_others_takes_one_call(cloud: EmulatorServer) -> None:
    lay_down(cloud, [*numbered("media/", 5000), "media/z"])
    assert "media/z" in look_up(["media/z"]).files
    assert lists(cloud) == 1


def test_keys_at_both_ends_of_5000_others_take_two_calls(cloud: EmulatorServer) -> None:
    """What lies between them is not walked through."""
    lay_down(cloud, numbered("media/", 5000))
    keys = ["media/00000.js", "media/04999.js"]
    assert look_up(keys).files.keys() >= {*keys}
    assert lists(cloud) == 2


def test_a_key_that_is_missing_takes_no_further_call(cloud: EmulatorServer) -> None:
    lay_down(cloud, ["a.js", "c.js"])
    listing = look_up(["a.js", "b.js", "c.js"])
    assert (listing.files.keys(), listing.unseen) == ({"a.js", "c.js"}, set())
    assert lists(cloud) == 1


def test_objects_between_the_keys_are_listed_too(cloud: EmulatorServer) -> None:
    lay_down(cloud, ["a.js", "b.js", "c.js"])
    assert "b.js" in look_up(["a.js", "c.js"]).files


@pytest.mark.parametrize("quirks", [{"marker": "inclusive"}, {"marker": "exclusive"}])
@pytest.mark.parametrize("truncated_as", ["bool", "string"])
def test_a_list_of_small_pages_is_read_to_its_end(
    cloud: EmulatorServer, quirks: dict[str, str], truncated_as: str
) -> None:
    cloud.quirks.update({"page_size": 2, "truncated_as": truncated_as, **quirks})
    keys = ["a", "a/b", "a/b.js", "a0", "图/文.txt", "😀.png"]
    lay_down(cloud, keys)
    assert look_up(keys).files.keys() == {*keys}


def test_several_parts_are_asked_for_at_once(cloud: EmulatorServer) -> None:
    cloud.quirks.latency_api = 0.2
    look_up(numbered("", 3000))
    assert cloud.busiest > 1


def test_api_concurrency_bounds_the_lists_in_flight(configure: Any) -> None:
    cloud = configure(WX_STATIC_STORE={"API_CONCURRENCY": 1})
    cloud.quirks.latency_api = 0.05
    look_up(numbered("", 3000))
    assert (lists(cloud), cloud.busiest) == (3, 1)


def test_one_worker_asks_for_one_part_after_the_other(cloud: EmulatorServer) -> None:
    cloud.quirks.latency_api = 0.05
    look_up(numbered("", 3000), workers=1)
    assert (lists(cloud), cloud.busiest) == (3, 1)


# --- bounds and failures ----------------------------------------------------------------------


@each(
    ("keys", "calls"),
    [
        ([], 10),
        (["index.html"], 10),
        (SITE, 10),  # 2 for each thousand, and one for each of five names at the top
        (numbered("", 4), 10),
        (numbered("js/", 20_000), 41),
        ([f"{number}/a.js" for number in range(50)], 52),
        ([f"a/{number}/b.js" for number in range(50)], 10),
    ],
)
def test_calls_are_bounded_by_the_number_of_keys_and_of_folders(
    keys: list[str], calls: int
) -> None:
    assert most_calls(keys) == calls


def test_beyond_the_bound_of_calls_the_rest_of_the_keys_stays_unseen(
    cloud: EmulatorServer,
) -> None:
    cloud.quirks.page_size = 1
    keys = [f"{number}.js" for number in range(9)]
    lay_down(cloud, keys)
    listing = look_up(keys, calls=4)
    assert lists(cloud) == 4
    assert (listing.files.keys(), listing.unseen) == ({*keys[:4]}, {*keys[4:]})
    assert listing.error is None


def test_after_a_list_that_failed_no_other_is_asked_for(cloud: EmulatorServer) -> None:
    """It would fail alike; what was listed before counts."""
    keys = numbered("", 3001)
    lay_down(cloud, keys)
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097, "skip": 1})
    listing = look_up(keys, workers=1)
    assert listing.unseen == {*keys[1000:]}
    assert listing.files.keys() == {*keys[:1000]}
    assert listing.error is not None
    assert listing.error.errcode == 40097


def test_only_objects_with_the_keys_common_prefix_are_listed(cloud: EmulatorServer) -> None:
    lay_down(cloud, ["a/1.js", "a/2.js", "b.js"])
    assert look_up(["a/1.js", "a/2.js"]).files.keys() == {"a/1.js", "a/2.js"}


@each(
    ("key", "marker"),
    [("a.js", "a.jr~"), ("a ", "a"), ("a!", "a ~"), ("a~", "a}~"), ("a\x7f", "a"), ("图", "")],
)
def test_a_list_starts_shortly_before_its_first_key(key: str, marker: str) -> None:
    assert _before(key) == marker < key
