"""The numbers of a rollout: environments of each wave, and how many may fail."""

from itertools import pairwise

from django.core.management.base import CommandError
from django.utils.functional import Promise

from ..i18n import gettext_lazy as _

# One environment first: what is wrong with a release shows before many have it.
DEFAULT = "1,10%,100%"
AT_ONCE = 32  # environments that workers are asked for: messages must not pile up


class RolloutRefused(CommandError):
    """A rollout cannot do what was asked; the text says what is possible."""

    def __init__(self, text: str | Promise, *, returncode: int = 2) -> None:
        super().__init__(str(text), returncode=returncode)


def wave_sizes(waves: str, count: int) -> list[int]:
    """Return how many of `count` environments each wave has; raise RolloutRefused."""
    # Each amount is how many have the release at the end of a wave.
    amounts = [_number(text, _("--waves %(text)s", text=waves)) for text in waves.split(",")]
    if not all(amount for amount, _unit in amounts) or any(
        unit == unit_before and amount <= before
        for (before, unit_before), (amount, unit) in pairwise(amounts)
    ):
        raise _wrong_waves(waves)
    sizes: list[int] = []
    for amount, is_percent in amounts:
        reached, before = count * amount // 100 if is_percent else amount, sum(sizes)
        # Rounded down, but each wave has at least one environment.
        sizes.append(min(max(reached - before, 1), count - before))
    if sum(sizes) < count:
        raise _wrong_waves(waves)
    return [size for size in sizes if size]


def tolerated(tolerate: str, count: int) -> int:
    """Return how many of `count` environments may fail: a number, or a percentage rounded down."""
    amount, is_percent = _number(tolerate, _("--tolerate %(text)s", text=tolerate))
    return count * amount // 100 if is_percent else min(amount, count)


def _number(text: str, option: str | Promise) -> tuple[int, bool]:
    digits = text.strip().removesuffix("%")
    is_percent = digits != text.strip()
    if not (digits.isascii() and digits.isdecimal()) or (is_percent and int(digits) > 100):
        raise RolloutRefused(
            _("%(option)s: write numbers, or percentages up to 100%%.", option=option)
        )
    return int(digits), is_percent


def _wrong_waves(waves: str) -> RolloutRefused:
    return RolloutRefused(
        _(
            "--waves %(text)s: each wave says how many environments have the release at its end, "
            "so numbers grow and the last is 100%%, as in %(default)s.",
            text=waves,
            default=DEFAULT,
        )
    )
