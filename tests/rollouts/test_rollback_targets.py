"""Show which sentences say what a roll back leaves out; test_rollouts shows the ways themselves."""

import pytest

from wx_static_store.releases.rollback import NAMED
from wx_static_store.rollouts.lifecycle import WayBack

ENVS = [f"tenant-{number}" for number in range(NAMED + 1)]


@pytest.mark.parametrize(
    ("lacking", "newer", "words"),
    [
        ([], [], []),
        (ENVS[:1], [], ["1 environment had no release before"]),
        ([], ENVS[:2], ["2 environments got another release since"]),
        (ENVS[:1], ENVS[1:2], ["had no release before", "got another release since"]),
    ],
)
def test_what_is_left_out_is_said(lacking: list[str], newer: list[str], words: list[str]) -> None:
    said = WayBack({}, lacking, newer).warnings()
    assert len(said) == len(words)
    assert all(word in sentence for word, sentence in zip(words, said, strict=True))
