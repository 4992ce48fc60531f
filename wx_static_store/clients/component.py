"""
The platform's own token: fetched by one, for all threads, processes and hosts.

A platform has one current `component_access_token`, and a new one ends the old one within five
minutes (WeChat's token page). It lies in a cache that all processes share.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from ..causes import CAUSES
from ..core.retry import Deadline, seconds_left
from ..core.secrets import Secret
from ..exceptions import (
    ConfigurationError,
    DeadlineExceeded,
    ProtocolError,
    ResponseLost,
    TokenUnavailable,
    WxStaticStoreError,
)
from ..i18n import english, gettext_lazy as _, gettext_noop
from .shared import Seals, SharedFailure, SharedState, SharedToken, TokenState
from .tokens import current_ticket
from .wechat import FreshToken, WeChatClient

logger = logging.getLogger("wx_static_store.tokens")

FRESH_SHARE = 0.9  # of `expires_in`; WeChat advises 1 h 50 min of 2 h
MARGIN = 60.0  # seconds that a token is left alone before its end, and that clocks may differ
MIN_INTERVAL = 60.0

# Seconds, for the usual minimal interval; a shorter one shortens all of them alike (`_pace` those
# that a call needs, no further than to SLOWEST).
LEASE = 30.0  # longer than the call, as the lock must outlive it
CALL = 15.0
SLOWEST = 2.0  # a call gets that much at least, however short the interval is
PATIENCE = 10.0  # of one `get()` while another process fetches
POLL = 0.2
YOUNG = 10.0  # a token that is refused at this age never worked
LONGEST_PAUSE = 10.0  # after failed fetches: 1, 2, 4, 8, 10
HOPELESS = 60.0  # a wrong secret stays wrong for a while
SURPRISES = 3600.0  # a refused token's successor lives five minutes or more
ALONE = 300.0  # between two fetches of one process while the cache fails

_Lost = ResponseLost | DeadlineExceeded | ProtocolError


class ComponentToken:
    """The platform's token, fetched with the newest `ticket()`, once per `min_interval` at most."""

    def __init__(
        self,
        client: WeChatClient,
        cache: str | Callable[[], Any],
        *,
        appid: str,
        appsecret: Secret,
        ticket: Callable[[], str],
        seals: Seals | None = None,
        min_interval: float = MIN_INTERVAL,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._shared = SharedState(cache, f"{client.base_url} {appid}", now, seals)
        self._failures = SharedFailure(self._shared, now, longest=HOPELESS + LEASE)
        self._appid, self._appsecret, self._ticket = appid, appsecret, ticket
        self._min_interval = min_interval
        self._scale = min(1.0, min_interval / MIN_INTERVAL)
        self._pace = max(self._scale, SLOWEST / CALL)
        self._now, self._sleep, self._chance = now, sleep, chance
        self._lock = threading.Lock()
        self._mine: SharedToken | None = None  # the newest that this process knows
        self._known_since = now()
        self._fetched_at = float("-inf")  # by this process

    def get(self) -> str:
        """Return the token to use now, within 15 s; raise the reason if it cannot be fetched."""
        entry = self._newest()
        if entry is None or not self._usable(entry):
            entry = self._wait_for_a_new_one(time.monotonic())
        elif self._age(entry) >= entry.expires_in * FRESH_SHARE:
            entry = self._renewed(entry)
        return entry.token.reveal()

    def invalidate(self, token: str) -> None:
        """Discard a token that WeChat did not refuse, as after a leak."""
        self.refused(token, None)

    def refused(self, token: str, errcode: int | None) -> None:
        """Discard a token that WeChat refused; keep the errcode for the errors of later calls."""
        entry = self._newest()
        if entry is None or entry.token != Secret(token):
            return  # a newer one is there already
        if self._shared.claim(f"refused:{entry.digest}", entry.expires_in):
            self._shared.write(f"errcode:{entry.digest}", errcode, entry.expires_in)
            self._note_surprise(entry)
        if errcode and self._is_young(entry):
            raise never_worked(errcode)

    def state(self) -> TokenState:
        """Return the state of the newest token, as all processes share it; fetch nothing."""
        entry = self._newest()
        age = self._age(entry) if entry else 0.0
        return TokenState(
            age=age,
            left=max(0.0, entry.expires_in - age) if entry else 0.0,
            usable=entry is not None and self._usable(entry),
            failure=self._failures.of_generation(entry.generation + 1 if entry else 1)[1],
            surprises=len(self._surprises()),
        )

    # --- the newest token ------------------------------------------------------------------------

    def _newest(self) -> SharedToken | None:
        """Return the token in the cache, or the one of this process if the cache lost it."""
        mine, found = self._mine, SharedToken.read(self._shared.read("token"))
        if mine and self._age(mine) >= self._kept_for(mine):
            mine = None  # the cache has forgotten it, too: the generations begin anew for all
        if mine and (found is None or found.is_older_than(mine)):
            self._publish(mine)
            return mine
        if found != self._mine:
            self._mine, self._known_since = found, self._now()
        return found

    def _publish(self, entry: SharedToken) -> None:
        self._shared.write("token", entry.as_dict(), self._kept_for(entry))

    def _kept_for(self, entry: SharedToken) -> float:
        """Return how long to keep a token: longer than its life, to number the next one."""
        return max(2 * entry.expires_in, self._min_interval)

    def _age(self, entry: SharedToken) -> float:
        """Return the seconds since the token was issued or first seen here, the longer time."""
        now = self._now()
        # The clock of another host may be wrong, which is logged, or ours may be set back.
        self._known_since = min(self._known_since, now)
        if entry.issued_at > now + MARGIN and self._shared.claim("clocks-logged", HOPELESS):
            text = gettext_noop("The clocks of two hosts differ by %.0f s")
            logger.error(text, entry.issued_at - now)
        return max(now - entry.issued_at, now - self._known_since)

    def _usable(self, entry: SharedToken) -> bool:
        """Return whether the token was not refused and does not end soon."""
        margin = min(MARGIN, entry.expires_in * (1 - FRESH_SHARE) / 2)
        return self._age(entry) < entry.expires_in - margin and not self._refused(entry)

    def _is_young(self, entry: SharedToken) -> bool:
        return self._age(entry) < YOUNG * self._scale

    def _refused(self, entry: SharedToken) -> bool:
        return bool(self._shared.read(f"refused:{entry.digest}"))

    def _note_surprise(self, entry: SharedToken) -> None:
        """Log an error after three early refusals: another system then refreshes the token."""
        if self._age(entry) >= entry.expires_in:
            return
        times = [*self._surprises(), self._now()]
        self._shared.write("surprises", times, SURPRISES * self._scale)
        if len(times) >= 3:
            text = gettext_noop("%d tokens were refused too early. %s")
            logger.error(text, len(times), english(CAUSES["token.others"].operator))

    def _surprises(self) -> list[float]:
        """Return the times of recent early refusals."""
        since = self._now() - SURPRISES * self._scale
        return [at for at in self._shared.read("surprises") or () if at > since]

    # --- who fetches -----------------------------------------------------------------------------

    def _renewed(self, old: SharedToken) -> SharedToken:
        """Fetch in one thread of one process; all others keep using the old token."""
        if (
            seconds_left() < CALL
            or self._no_fetch_now(old)
            or not self._lock.acquire(blocking=False)
        ):
            return old
        try:
            return self._fetch_if_first(old, time.monotonic()) or old
        except WxStaticStoreError as error:
            if self._shared.claim("failure-logged", HOPELESS * self._scale):
                text = gettext_noop("No new token yet, the old one goes on: %s")
                logger.warning(text, english(error))
            return old
        finally:
            self._lock.release()

    def _wait_for_a_new_one(self, since: float) -> SharedToken:
        """Poll and fetch in one thread of this process; the other threads wait for it."""
        if not self._lock.acquire(timeout=min(PATIENCE * self._pace, seconds_left())):
            raise slow()
        try:
            return self._poll(since)
        finally:
            self._lock.release()

    def _poll(self, since: float) -> SharedToken:
        for _nap in range(round(PATIENCE / POLL)):
            entry = self._newest()
            if entry and self._usable(entry):
                return entry
            if error := self._no_fetch_now(entry):
                raise error
            if seconds_left() < SLOWEST:  # an answer that came too late would be lost
                Deadline(0).check("token")
            if fresh := self._fetch_if_first(entry, since):
                return fresh
            if time.monotonic() - since >= PATIENCE * self._pace:
                break
            self._sleep(POLL * self._pace * (0.5 + self._chance()))
        raise slow()

    def _no_fetch_now(self, old: SharedToken | None) -> WxStaticStoreError | None:
        """Return the error that forbids a fetch by this process now, or None."""
        age = self._age(old) if old else float("inf")
        if old and age < self._min_interval:
            found = self._shared.read(f"errcode:{old.digest}")
            errcode = found if isinstance(found, int) else None
            if errcode and self._is_young(old):
                return never_worked(errcode)
            # Without an errcode somebody discarded it: then no other system is to blame.
            cause = "discarded" if self._refused(old) and not errcode else "others"
            return too_soon(self._min_interval - age, f"token.{cause}", errcode)
        alone = ALONE * self._scale - (self._now() - self._fetched_at)
        if 0 < alone <= ALONE * self._scale and not self._shared.works:
            return too_soon(alone, "token.cache")
        return self._failures.of_generation(old.generation + 1 if old else 1)[1]

    def _fetch_if_first(self, old: SharedToken | None, since: float) -> SharedToken | None:
        """Return a new token, or None if another process fetches it."""
        generation = old.generation + 1 if old else 1
        attempt = self._failures.of_generation(generation)[0] + 1
        # A cache knows no compare-and-delete, so this lock is never released: each attempt has its
        # own, and a lease ends it if its process dies.
        if not self._shared.claim(f"lock:{generation}:{attempt}", LEASE * self._pace):
            return None
        newest = self._newest()
        if newest and newest.generation >= generation and self._usable(newest):
            return newest
        try:
            return self._fetch(generation, since)
        except WxStaticStoreError as error:
            in_use = old is not None and self._usable(old)
            pause = self._pause(error, attempt, in_use=in_use)
            self._failures.note(
                generation, attempt, error.with_context(pause=max(pause, error.pause)), pause
            )
            raise

    # --- the fetch, and how it ended -------------------------------------------------------------

    def _fetch(self, generation: int, since: float) -> SharedToken:
        started = self._now()
        fresh = self._call(since + CALL * self._pace)
        entry = SharedToken(fresh.token, started, fresh.expires_in, generation)
        self._fetched_at = started
        newest = self._newest()
        if newest and entry.is_older_than(newest):
            return newest  # we were slow, and another's lease was given after ours
        self._mine, self._known_since = entry, started
        self._publish(entry)
        return entry

    def _call(self, until: float) -> FreshToken:
        deadline = Deadline(max(until, time.monotonic() + SLOWEST))
        call = self._client.component_token
        ticket = current_ticket(self._ticket)
        try:
            return call(self._appid, self._appsecret, ticket, deadline=deadline)
        except TokenUnavailable:
            newer = current_ticket(self._ticket)
            if newer == ticket:
                raise
        # It was pushed meanwhile.
        return call(self._appid, self._appsecret, newer, deadline=deadline)

    def _pause(self, error: WxStaticStoreError, attempt: int, *, in_use: bool) -> float:
        """Return the seconds before the next try: 1, 2, 4, 8, 10, or 60 for an error that stays."""
        pause = min(LONGEST_PAUSE, 2.0 ** min(attempt - 1, 8))
        if error.remedy.gives_up and not isinstance(error, TokenUnavailable | _Lost):
            pause = HOPELESS
        # A lost answer may mean that the old token ended: while it is in use, there is time.
        if in_use and isinstance(error, _Lost):
            pause = MIN_INTERVAL
        return max(pause, min(error.pause, HOPELESS)) * self._scale


# --- why no token can be fetched now ------------------------------------------------------------


def never_worked(errcode: int) -> ConfigurationError:
    """Return the error of a token that was refused when it was young, with WeChat's number."""
    return ConfigurationError(cause="token.new", stage="token", errcode=errcode)


def too_soon(pause: float, cause: str, errcode: int | None = None) -> TokenUnavailable:
    """Return the error of a fetch that may be made only after `pause` seconds."""
    text = _("The token was fetched just now; the next fetch may be in %(pause).0f s", pause=pause)
    return TokenUnavailable(text, cause=cause, stage="token", pause=pause, errcode=errcode)


def slow() -> TokenUnavailable:
    """Return the error of a fetch by another process that does not end."""
    text = _("Another process is fetching the token and has not ended yet")
    return TokenUnavailable(text, cause="token.wait", stage="token")
