"""The emulator as one object: start it, connect a client, look into it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from .bucket import StoredObject
from .control import begins_here
from .exchanges import Exchanges
from .incoming import Request
from .listeners import Hub, Listener, loopback, tls_context
from .messages import TICKET as VERIFY_TICKET
from .quirks import BadInput, Quirks
from .state import Account, Entry, Push, State
from .tickets import PUSH_AES_KEY, PUSH_TOKEN, Keys, Sender
from .wire import Wire

# Public by intent: the examples of the documents, and names that say what they are.
APPID = "wx0000000000000001"
APPSECRET = "emulator-appsecret"
TICKET = "emulator-ticket"
ACCESS_TOKEN = "emulator-access-token"  # noqa: S105
SECRET_ID = "AKIDEXAMPLE"  # noqa: S105
SECRET_KEY = "example-secret-key"  # noqa: S105
SECURITY_TOKEN = "EXAMPLE-security-token_0123456789abcdefghijklmnopqrstuvwxyz"  # noqa: S105


class EmulatorServer:
    """WeChat's open platform, the object store and the public sites, on loopback."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        envs: Iterable[str] = ("demo-1a2b3c4d5e6f7g8h",),
        directory: Path | str | None = None,
        appid: str = APPID,
        appsecret: str = APPSECRET,
        ticket: str = TICKET,
        access_token: str = ACCESS_TOKEN,
        secret_id: str = SECRET_ID,
        secret_key: str = SECRET_KEY,
        security_token: str = SECURITY_TOKEN,
        tls: tuple[Path | str, Path | str] | None = None,  # certificate and key, PEM files
        push_url: str | None = None,  # where verify tickets are pushed to, on loopback
        push_seconds: float = 600,
        push_token: str = PUSH_TOKEN,
        push_aes_key: str = PUSH_AES_KEY,
        clock: Callable[[], float] = time.time,
        log: TextIO | None = None,
        **quirks: Any,
    ) -> None:
        self._host, self._port = loopback(host), port
        account = Account(
            appid, appsecret, ticket, access_token, secret_id, secret_key, security_token
        )
        folder = Path(directory) if directory is not None else None
        self.state: State = State(account, directory=folder, clock=clock, quirks=quirks)
        self._tls = tls_context(*tls) if tls else None
        self.state.scheme = "https" if tls else "http"
        self._exchanges = Exchanges(self.state, log)
        self._hub: Hub | None = None
        self._api: Listener | None = None
        self._next_port = port
        for env in envs:
            self.state.add(env, "online")
        keys = Keys(appid, push_token, push_aes_key)
        self._new_sender = partial(Sender, self.state, keys, push_seconds, clock=clock, log=log)
        self.sender: Sender | None = self._new_sender(push_url) if push_url else None

    # --- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Open every port; when this returns, clients may come."""
        if self._hub is not None:
            return
        self._hub, self._next_port = Hub(self._tls), self._port
        try:
            self._api = self._listen(self._hub, "", partial(self._exchanges.on_api, self))
            for env in self.state.environments:
                self._open(self._hub, env)
        except OSError:
            self.stop()
            raise
        if self.sender:
            self.sender.start()

    def stop(self) -> None:
        """Close every port and end every connection."""
        if self.sender:
            self.sender.stop()
        hub, self._hub, self._api = self._hub, None, None
        if hub is not None:
            hub.stop()

    def __enter__(self) -> EmulatorServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- where it is ------------------------------------------------------------------------

    @property
    def api_url(self) -> str:
        """What a client sets as `api_base_url`."""
        if self._api is None:
            raise RuntimeError("the emulator is not running: call start() first")
        return f"{self.state.scheme}://{self._api.netloc}"

    def site_url(self, env: str | None = None) -> str:
        """Return the public address of an environment."""
        address = self.state.find(env).address
        if self._hub is None:
            raise RuntimeError("the emulator is not running: call start() first")
        return f"{self.state.scheme}://{address}"

    def add_env(
        self,
        env: str,
        status: str | None = None,  # of its hosting: online, or as it was
        *,
        condition: str | None = None,  # in describeenvs
        alias: str | None = None,
        appids: Iterable[str] | None = None,  # of the accounts that it is shared with
    ) -> None:
        """Add an environment with its own port; of a known one, change what is given."""
        known = env in self.state.environments
        if not known or status is not None:
            self.state.add(env, "online" if status is None else status)
        if self._hub is not None and not known:
            self._open(self._hub, env)
        self.state.describe(env, condition=condition, alias=alias, appids=appids)

    # --- what it knows ----------------------------------------------------------------------

    @property
    def quirks(self) -> Quirks:
        """The switches; assign to them at any time."""
        return self.state.quirks

    @property
    def access_token(self) -> str:
        """The newest component_access_token."""
        return self.state.tokens.newest

    def expire_token(self) -> None:
        """Expire all tokens given so far, as if another system had fetched a new one."""
        self.state.tokens.fetch(self.state.now(), self.quirks.token_seconds, 0)

    def push_ticket(self, ticket: str) -> None:
        """Issue another verify ticket, as if WeChat had pushed it."""
        self.state.issue_ticket(ticket)

    def push_to(self, url: str) -> None:
        """Push verify tickets to that address from now on, the first one at once."""
        sender, old = self._new_sender(url), self.sender
        if old:
            old.stop()
        self.sender = sender
        if self._hub is not None:
            sender.start()

    def push(
        self, variant: str = "plain", kind: str = VERIFY_TICKET, *, appid: str = "", age: int = 0
    ) -> Push:
        """Push a ticket or news of an account now and wait for the answer; see the manual."""
        if self.sender is None:
            raise BadInput("nothing says where to push: set push_url, or call push_to(url)")
        return self.sender.push(variant, kind, appid=appid, age=age)

    @property
    def pushes(self) -> list[Push]:
        """Every push since the start or the last reset, and what it was answered."""
        return self.state.pushes

    def objects(self, env: str | None = None) -> dict[str, StoredObject]:
        """Return the objects of an environment by their keys."""
        return self.state.find(env).bucket.all()

    def put_object(
        self,
        key: str,
        body: bytes,
        *,
        env: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Store an object without a request."""
        bucket, quirks = self.state.find(env).bucket, self.quirks
        incoming = bucket.receive([body], quirks.crc64_limit)
        now, stale, lag = self.state.now(), quirks.site_stale_seconds, quirks.list_lag_seconds
        bucket.put(key, incoming, dict(headers or {}), now=now, stale=stale, lag=lag)

    def delete_object(self, key: str, *, env: str | None = None) -> None:
        """Remove an object without a request."""
        now, lag = self.state.now(), self.quirks.list_lag_seconds
        self.state.find(env).bucket.delete(key, now=now, lag=lag)

    @property
    def busiest(self) -> int:
        """The most requests that were handled at the same time, their latency included."""
        return self.state.busiest

    @property
    def journal(self) -> list[Entry]:
        """Every request since the start or the last reset."""
        return self.state.journal

    def calls(self, name: str | None = None, *, key: str | None = None) -> list[Entry]:
        """Return the requests of one kind, or for one key."""
        return [e for e in list(self.journal) if name in (None, e.name) and key in (None, e.key)]

    def script(self, *faults: dict[str, Any]) -> None:
        """Add faults; see the manual for the kinds."""
        self.state.script.add(*faults)

    def advance(self, seconds: float) -> None:
        """Move the emulator's clock forward."""
        self.state.advance(seconds)

    def reset(self) -> None:
        """Reset everything to the start; the ports stay open."""
        self.state.reset()

    def _listen(self, hub: Hub, env: str, exchange: Callable[[Request, Wire], None]) -> Listener:
        address = (self._host, self._next_port)
        greet, spare = partial(self._exchanges.greet, env), None if env else begins_here
        listener = hub.listen(address, exchange, greet, spare)
        self._next_port += 1 if self._next_port else 0
        return listener

    def _open(self, hub: Hub, env: str) -> None:
        listener = self._listen(hub, env, partial(self._exchanges.on_env, env))
        self.state.environments[env].address = listener.netloc
