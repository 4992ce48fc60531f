"""Show how the options of ``wx_rollout`` are read."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from wx_static_store.management.deploy_options import CommandLine
from wx_static_store.rollouts.management.commands.wx_rollout import Command
from wx_static_store.rollouts.management.options import check_options


def read(*words: str) -> dict[str, Any]:
    return vars(Command().create_parser("manage.py", "wx_rollout").parse_args([*words]))


def test_a_rollout_goes_in_three_waves_and_tolerates_nothing() -> None:
    found = read("start", "dist", "--all")
    assert (found["waves"], found["tolerate"]) == ("1,10%,100%", "0")


def test_a_roll_back_goes_at_once_and_does_not_stop() -> None:
    found = read("rollback", "7")
    assert (found["id"], found["waves"], found["tolerate"]) == (7, "100%", "100%")


def test_a_time_without_a_zone_is_in_that_of_the_settings() -> None:
    when = (timezone.localtime() + timedelta(days=1)).replace(tzinfo=None, microsecond=0)
    found: datetime = read("start", "--all", "--deploy-at", when.isoformat())["deploy_at"]
    assert found == timezone.make_aware(when)


@pytest.mark.parametrize(
    ("words", "verbosity"),
    [("stop 1 -v0", 0), ("-v0 stop 1", 0), ("stop 1", 1), ("list --verbosity 2", 2)],
)
def test_an_option_of_django_stands_before_or_after_the_action(words: str, verbosity: int) -> None:
    assert read(*words.split())["verbosity"] == verbosity
    assert read(*words.split(), "--traceback")["traceback"] is True


WRONG = {
    "a time that is over": ("--deploy-at 2020-01-01T00:00", "is over"),
    "no time": ("--deploy-at tomorrow", "no time such as"),
    "an hour that no day has": ("--deploy-at 2099-01-01T25:00", "no time such as"),
    "a negative pause": ("--bake=-1", "a number from 0 to 2147483647, not '-1'"),
    "a fraction of environments": (
        "--max-parallel 1.5",
        "from 0 to 2147483647, not '1.5'",
    ),
    "too many at once": ("--max-parallel 2147483648", "from 0 to 2147483647"),
    "a pause without an end": (f"--bake {'9' * 5000}", "from 0 to 2147483647, not '9{20}'"),
    "a long label": (f"--label {'x' * 201}", "201 characters are too many: write at most 200"),
    "many waves": (f"--waves {'1,' * 150}100%", "304 characters are too many"),
    "a long tolerance": (f"--tolerate {'9' * 5000}", "5000 characters are too many"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_named(name: str) -> None:
    words, text = WRONG[name]
    with pytest.raises(CommandError, match=text):
        read("start", "--all", *words.split())


def test_an_action_that_there_is_not_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid choice: 'cancel'"):
        read("cancel", "7")


REFUSED = {
    "an empty release": (["--release", ""], "--release is empty: is a variable not set"),
    "an empty store": (["dist", "--using", ""], "--using is empty"),
    "an empty folder": ([""], "DIR is empty"),
    "an empty folder of the site": (["--release", "v2", "--prefix", ""], "--prefix is empty"),
    "an empty tag": (["dist", "--tag", ""], "--tag is empty"),
    "a folder after --env": (["--env", "tenant-00", "/"], "/ is a folder: write DIR before --env"),
    "a folder besides a release": (["dist", "--release", "v2"], "leave dist out"),
    "--prefix of a folder": (["dist", "--prefix", "docs/"], "as in start dist docs/"),
    "--prefix of nothing": (["--prefix", "docs/"], "as in start DIR docs/"),
    "--ignore of a release": (["--release", "v2", "--ignore", "*.map"], "belong to a DIR"),
    "--map of a release": (["--release", "v2", "--map", "*.html=no-cache"], "belong to a DIR"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_left_out_of_account_is_refused(name: str) -> None:
    words, text = REFUSED[name]
    with pytest.raises(CommandError, match=text) as caught:
        check_options("start", CommandLine.of_options(read("start", *words)))
    assert caught.value.returncode == 2


def test_an_empty_report_of_an_action_is_refused() -> None:
    with pytest.raises(CommandError, match="--json is empty"):
        check_options("pause", CommandLine.of_options(read("pause", "7", "--json", "")))
