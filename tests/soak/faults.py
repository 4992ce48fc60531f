"""What goes wrong in a round: faults of the emulator, signals, a database that is away."""

import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Fault = dict[str, Any]

LATE = 1.5  # seconds after which a PUT may still take effect; longer than READ_TIMEOUT
FAULTS: tuple[Fault, ...] = (
    {"on": "put_object", "do": "hang", "seconds": 2},
    {"on": "put_object", "do": "hang", "seconds": 2, "apply": True},
    {"on": "put_object", "do": "delay", "seconds": 0.3},
    {"on": "put_object", "do": "drop_reply"},
    {"on": "put_object", "do": "reset"},
    {"on": "put_object", "do": "reset", "apply": True},
    {"on": "put_object", "do": "reset_after", "bytes": 3},
    {"on": "put_object", "do": "short_body"},
    {"on": "put_object", "do": "status", "status": 504, "apply": True},
    {"on": "put_object", "do": "status", "status": 502},
    {"on": "put_object", "do": "cos_error", "code": "SlowDown", "status": 503},
    {"on": "put_object", "do": "cos_error", "code": "InternalError", "status": 500, "apply": True},
    {"on": "put_object", "do": "store_truncated", "bytes": 2},
    {"on": "put_object", "do": "close_on_reuse", "apply": True},
    {"on": "connection", "do": "accept_then_close"},
    {"on": "staticuploadfile", "do": "errcode", "errcode": -1},
    {"on": "staticuploadfile", "do": "html"},
    {"on": "staticuploadfile", "do": "hang", "seconds": 1.5},
    {"on": "staticuploadfile", "do": "link", "expired": True},
    {"on": "staticfilelist", "do": "errcode", "errcode": -1},
    {"on": "staticfilelist", "do": "hang", "seconds": 1.5},
    {"on": "staticfilelist", "do": "truncate_json"},
    {"on": "get_object", "do": "short_body"},
    {"on": "get_object", "do": "status", "status": 502},
)
# The client has given up, and perhaps sent another body, when the emulator stores this one.
LATE_FAULTS: tuple[Fault, ...] = (
    {"on": "put_object", "do": "delay", "seconds": 0.5, "late": True},
    {"on": "put_object", "do": "delay", "seconds": LATE, "late": True},
)


@dataclass(frozen=True)
class Hit:
    """A signal for one process, `after` so many seconds of work or of its first deploy."""

    victim: str
    signal: signal.Signals
    after: float
    mark: str  # what the process says when these seconds begin
    again: float | None = None  # seconds until the second one

    def __str__(self) -> str:
        twice = f" twice within {self.again:.2f} s" if self.again else ""
        return f"{self.signal.name}{twice} {self.after:.2f} s after it {self.mark}"


@dataclass(frozen=True)
class Outage:
    """The database of the first project is away: from when, and for how many seconds."""

    after: float
    seconds: float

    def __str__(self) -> str:
        return f"database away after {self.after:.1f} s for {self.seconds:.1f} s"


def draw_faults(rng: random.Random, *, late: bool) -> list[Fault]:
    """Return some faults, spread over the requests of a round."""
    kinds = FAULTS + 2 * LATE_FAULTS if late else FAULTS
    amount = rng.choice((0, 1, 2, 4, 7))
    return [
        {**rng.choice(kinds), "skip": rng.randrange(6), "times": rng.choice((1, 1, 2, 4))}
        for _ in range(amount)
    ]


def lateness(faults: Sequence[Fault]) -> float:
    """Return for how long a PUT of these faults may take effect after its client has gone."""
    return max((fault["seconds"] for fault in faults if fault.get("late")), default=0.0)


def draw_latency(rng: random.Random) -> float:
    """Return the seconds that WeChat and COS take for each request: how many runs overlap."""
    return rng.choice((0.0, 0.02, 0.05, 0.1))


def draw_hits(rng: random.Random, names: Sequence[str]) -> list[Hit]:
    """Return at most one signal for each process, and in a fifth of the rounds none at all."""
    amount = rng.choice((0, 1, 1, 2, 2))
    return [_draw_hit(rng, name) for name in rng.sample(names, amount)]


def _draw_hit(rng: random.Random, victim: str) -> Hit:
    number = rng.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM))
    twice = number is not signal.SIGKILL and rng.random() < 0.4
    again = rng.uniform(0.02, 0.6) if twice else None
    mark, longest = rng.choice((("is ready", 2.0), *3 * [("begins", 0.8)]))
    return Hit(victim, number, rng.uniform(0.0, longest), mark, again)


def draw_outage(rng: random.Random) -> Outage | None:
    """Return an outage in a quarter of the rounds; some are shorter than a process waits."""
    if rng.random() >= 0.25:
        return None
    return Outage(rng.uniform(0.8, 2.0), rng.uniform(0.5, 5.0))
