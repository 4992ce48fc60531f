"""The state of the emulator: environments, objects, tokens, faults and the journal."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .answers import Answer
from .bucket import Bucket
from .faults import Fault, Script
from .incoming import Request
from .limits import Counters
from .quirks import BadInput, Quirks, unknown
from .tokens import Tickets, Tokens

REGION = "ap-shanghai"
CLOUD_APPID = "1304480914"  # of the documents' sample, so that our buckets look like theirs
_LONGEST = 100 * 365.25 * 86400  # seconds that the clock can be moved on in all
STATUSES: tuple[str, ...] = ("none", "init", "process", "online", "offline")
STATUSES += ("destroying", "create_fail", "destroy_fail")


@dataclass(frozen=True)
class Account:
    """What the client must know of us, and we of it."""

    appid: str
    appsecret: str
    ticket: str
    access_token: str
    secret_id: str
    secret_key: str
    security_token: str


@dataclass(frozen=True)
class Entry:
    """One request, as the journal keeps it; written before the answer is complete."""

    number: int  # from 1
    name: str  # api_component_token, staticuploadfile, ..., put_object, get_object, other
    env: str
    key: str
    method: str
    status: int  # 0: no answer was sent
    errcode: int | None  # of WeChat's answers
    headers: dict[str, str]  # of the request, lower-case names
    body_size: int  # bytes received
    chunked: bool
    fault: str | None  # kind of the fault that it met
    link_age: float | None  # seconds between a link and its PUT

    def as_dict(self) -> dict[str, Any]:
        """Return the values as the control plane shows them."""
        return asdict(self)


@dataclass(frozen=True)
class Push:
    """One push, and what the receiver said."""

    number: int  # from 1
    kind: str  # its InfoType, if it is a right one
    variant: str  # "plain", or how it differs from a right one
    appid: str  # of the account that it is about
    ticket: str
    status: int  # 0: nobody answered
    answer: str  # its first characters, or why there is none

    @property
    def success(self) -> bool:
        """The receiver gave the only answer that counts."""
        return self.status == 200 and self.answer == "success"

    def as_dict(self) -> dict[str, Any]:
        """Return the values as the control plane shows them."""
        return {**asdict(self), "success": self.success}


@dataclass
class Environment:
    """One cloud environment and its hosting."""

    env: str
    first_status: str
    bucket: Bucket
    created: float
    status: str = ""  # of its hosting
    condition: str = ""  # in describeenvs; empty: as the quirk says
    alias: str = ""
    appids: list[str] = field(default_factory=list)  # of the mini programs that share it
    described: int = 0  # times that describeenvs showed it
    online_from: float | None = None  # hosting is being made and will be ready then
    address: str = ""  # host:port of its listener

    @property
    def bucket_name(self) -> str:
        """As in the documents' sample, whose first group cannot be derived."""
        sample = self.env.startswith("myttest-")
        digest = hashlib.md5(self.env.encode(), usedforsecurity=False).hexdigest()
        group = "b8b3" if sample else digest[:4]
        return f"{group}-static-{self.env}-{CLOUD_APPID}"

    @property
    def has_bucket(self) -> bool:
        """There is a bucket, whether or not it is served."""
        return self.status in ("online", "offline", "destroy_fail")


class State:
    """Shared by all listeners; small changes are made under one lock."""

    def __init__(
        self,
        account: Account,
        *,
        directory: Path | None,
        clock: Callable[[], float],
        quirks: dict[str, Any],
    ) -> None:
        self.account = account
        self.lock: threading.Lock = threading.Lock()
        self.environments: dict[str, Environment] = {}
        self.quirks: Quirks = Quirks()
        self.quirks.update(quirks)
        self.script: Script = Script()
        self.scheme = "http"
        self.journal: list[Entry] = []
        self.pushes: list[Push] = []
        # With a sender: it pushes a new one.
        self.renew_ticket: Callable[[], object] = lambda: self.issue_ticket(self.tickets.newest)
        self._busy, self._busy_lock = 0, threading.Lock()
        self._directory, self._clock, self._first_quirks = directory, clock, dict(quirks)
        self._start()

    def _start(self) -> None:
        self._offset = 0.0
        self.busiest: int = 0  # most requests that were under way at once
        self.tokens: Tokens = Tokens(self.account.access_token)
        self.counters: Counters = Counters()
        self.refused_calls: dict[str, Any] = {}  # by their rid
        self.accounts: dict[str, float] = {}  # appids, and when each was authorized
        self.listed = 0  # times that the accounts were listed
        self.tickets: Tickets = Tickets(self.account.ticket, self.now())

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count a request while it is handled, until just before its answer is sent."""
        with self._busy_lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        try:
            yield
        finally:
            with self._busy_lock:
                self._busy -= 1

    def now(self) -> float:
        """Return the emulator's time."""
        return self._clock() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the time forward."""
        # False for NaN, too; compared first, as a huge whole number cannot be added.
        if type(seconds) not in (int, float) or not 0 <= seconds <= _LONGEST - self._offset:
            raise BadInput(
                "the clock only goes forward, by at most 100 years in all; "
                "'advance' takes seconds such as 60, not {given}",
                given=str(seconds)[:40],
            )
        self._offset += seconds

    def issue_ticket(self, ticket: str) -> None:
        """Issue a verify ticket, as if WeChat had pushed it now."""
        self.tickets.issue(ticket, self.now())

    def ticket_verdict(self, ticket: object) -> tuple[int, str]:
        """Return WeChat's errcode for a ticket, 0 if it is valid."""
        return self.tickets.verdict(ticket, self.now(), self.quirks.ticket_seconds)

    def reset(self) -> None:
        """Reset to the start; listeners and environments stay."""
        self.script.clear()
        self.journal.clear()
        self.pushes.clear()
        self.quirks.update({**asdict(Quirks()), **self._first_quirks})
        for environment in self.environments.values():
            environment.bucket.clear()
            environment.status, environment.online_from = environment.first_status, None
            environment.condition, environment.described = "", 0
            environment.appids.clear()
        self._start()
        self.renew_ticket()  # what was pushed before is no longer known

    def add(self, env: str, status: str) -> Environment:
        """Add an environment, or change the status of a known one."""
        if status not in STATUSES:
            raise unknown("status", str(status), list(STATUSES))
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", env):
            raise BadInput("{env!r} is no environment id: letters, digits and '-' only", env=env)
        if env not in self.environments:
            bucket = Bucket(self._directory / env if self._directory else None)
            alias = env.rpartition("-")[0] or env
            self.environments[env] = Environment(env, status, bucket, self.now(), alias=alias)
        environment = self.environments[env]
        environment.status, environment.online_from = status, None
        return environment

    def describe(
        self,
        env: str,
        *,
        condition: str | None = None,
        alias: str | None = None,
        appids: Iterable[str] | None = None,
    ) -> None:
        """Set what describeenvs says of an environment, and with which accounts it is shared."""
        environment = self.find(env)
        if condition is not None:
            environment.condition = condition
        if alias is not None:
            environment.alias = alias
        if appids is not None:
            environment.appids[:] = [_checked_appid(appid) for appid in appids]
            for appid in environment.appids:
                self.authorize(appid)

    def authorize(self, appid: str) -> None:
        """Note that an account gave its authorization; the time of an earlier one stays."""
        self.accounts.setdefault(_checked_appid(appid), self.now())

    def withdraw(self, appid: str) -> None:
        """Note that an account took its authorization back."""
        self.accounts.pop(_checked_appid(appid), None)

    def find(self, env: str | None = None) -> Environment:
        """Return an environment by its id; without an id, the first."""
        if env is None and self.environments:
            return next(iter(self.environments.values()))
        if env is None or env not in self.environments:
            raise unknown("environment", str(env), list(self.environments))
        return self.environments[env]

    def settle(self, environment: Environment) -> Environment:
        """Put hosting that is being created online, once its time has come."""
        ready = environment.online_from
        if ready is not None and self.now() >= ready:
            environment.status, environment.online_from = self.quirks.store_becomes, None
        return environment

    def record(self, request: Request, answer: Answer, fault: Fault | None) -> Entry:
        """Write a request into the journal."""
        with self.lock:
            entry = Entry(
                number=len(self.journal) + 1,
                name=request.name,
                env=request.env,
                key=request.key,
                method=request.method,
                status=answer.status,
                errcode=answer.errcode,
                headers=request.headers,
                body_size=request.body.size,
                chunked=request.body.chunked,
                fault=fault.do if fault else None,
                link_age=request.link_age,
            )
            self.journal.append(entry)
        return entry


def _checked_appid(appid: str) -> str:
    if not re.fullmatch(r"wx[0-9a-z]{16}", str(appid)):
        raise BadInput("{appid!r} is no appid: wx and 16 small letters or digits", appid=appid)
    return appid


def log_line(request: Request, answer: Answer, fault: Fault | None) -> str:
    """Return one line for a request, without the query: it holds tokens and signatures."""
    path = request.path.decode(errors="backslashreplace")
    met = f" [{fault.do}]" if fault else ""
    verdict = "" if answer.errcode is None else f" errcode {answer.errcode}"
    status = answer.status or "no answer"
    return f"{request.method} {path} {request.env} {status}{verdict}{met}\n"
