"""The control plane under `/__emulator__/`: look inside and change things, with curl."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

from .answers import Answer
from .incoming import Request
from .language import marked, translate
from .listeners import loopback
from .messages import TICKET
from .quirks import BadInput, unknown
from .state import Environment, Push, State

PREFIX = b"/__emulator__/"


class Emulator(Protocol):
    """What the control plane needs of the server."""

    state: State

    @property
    def api_url(self) -> str:
        """Where the API listens."""

    def add_env(self, env: str, status: str | None = None) -> None:
        """Open a listener for an environment."""

    def put_object(
        self, key: str, body: bytes, *, env: str | None, headers: dict[str, str] | None
    ) -> None:
        """Store an object without a request."""

    def delete_object(self, key: str, *, env: str | None) -> None:
        """Remove an object without a request."""

    def push(self, variant: str, kind: str, *, appid: str, age: int) -> Push:
        """Push a verify ticket or news of an account."""


def handle(emulator: Emulator, request: Request, manual: str) -> Answer:
    """Answer one request of the control plane."""
    name = request.path[len(PREFIX) :].decode(errors="replace").strip("/")
    try:
        _check_sender(request, name)
    except BadInput as error:
        return _json({"error": str(error)}, 403)
    if not name:
        return Answer(200, {"Content-Type": "text/plain; charset=utf-8"}, manual.encode())
    try:
        return _json(_action(request.method, name)(emulator, request))
    except BadInput as error:
        return _json({"error": str(error)}, 400)


def begins_here(first: bytes) -> bool:
    """Return whether the first bytes of a connection are those of a request to these pages."""
    return re.match(rb"[A-Z]+ /__emulator__[/? ]", first) is not None


def _check_sender(request: Request, name: str) -> None:
    """Refuse what a web page of elsewhere may send: no program names such a host or sender."""
    if request.host:
        loopback(re.sub(r":\d*$", "", request.host.lower()), marked("answers"))
    own, site = f"{request.scheme}://{request.host}", request.headers.get("sec-fetch-site", "none")
    # Any page may link to the manual: it changes nothing and shows no secret.
    foreign = bool(name) and site not in ("none", "same-origin")
    if foreign or request.headers.get("origin", own) != own:
        raise BadInput("another web page sends this request; use curl, or type the address")


def _action(method: str, name: str) -> Callable[[Emulator, Request], object]:
    if action := _ACTIONS.get((method, name)):
        return action
    names = sorted({known for _, known in _ACTIONS})
    if name not in names:
        raise unknown("page", name, names)
    methods = [known for known, page in _ACTIONS if page == name]
    known = translate(" or ").join(methods)
    raise BadInput("{name} takes {known}, not {method}", name=name, known=known, method=method)


def _json(value: object, status: int = 200) -> Answer:
    body = json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
    return Answer(status, {"Content-Type": "application/json"}, body)


def _input(request: Request) -> Any:
    try:
        return json.loads(request.content)
    except ValueError as error:
        raise BadInput("the body is not JSON: {error}", error=error) from None


def _object(request: Request, *names: str) -> dict[str, Any]:
    value = _input(request)
    if not isinstance(value, dict):
        known = ", ".join(names) or translate("names and values")
        raise BadInput("the body is a JSON object with {known}", known=known)
    for name in value:
        if names and name not in names:
            raise unknown("member", name, list(names))
    return value


def _member(value: dict[str, Any], name: str, kinds: tuple[type, ...], example: str) -> Any:
    if type(value.get(name)) not in kinds:
        text = marked("{name!r} is missing or of the wrong type; send {example}")
        raise BadInput(text, name=name, example=example)
    return value[name]


def _state(emulator: Emulator, _: Request) -> dict[str, object]:
    """Show everything at a glance."""
    inner = emulator.state
    return {
        "api_base_url": emulator.api_url,
        "access_token": inner.tokens.newest,
        "now": inner.now(),
        "envs": [_environment(inner, env) for env in inner.environments.values()],
        "accounts": sorted(inner.accounts),
        "requests": len(inner.journal),
        "faults": len(inner.script.as_list()),
        "quirks": asdict(inner.quirks),
    }


def _environment(inner: State, environment: Environment) -> dict[str, object]:
    inner.settle(environment)
    return {
        "env": environment.env,
        "url": f"{inner.scheme}://{environment.address}",
        "bucket": environment.bucket_name,
        "status": environment.status,
        "condition": environment.condition or inner.quirks.env_condition,
        "appids": environment.appids,
        "objects": len(environment.bucket.all()),
    }


def _journal(emulator: Emulator, request: Request) -> list[dict[str, Any]]:
    name, key = request.params.get("name"), request.params.get("key")
    return [
        entry.as_dict()
        for entry in list(emulator.state.journal)
        if name in (None, entry.name) and key in (None, entry.key)
    ]


def _clear_journal(emulator: Emulator, _: Request) -> dict[str, object]:
    emulator.state.journal.clear()
    return {"requests": 0}


def _objects(emulator: Emulator, request: Request) -> dict[str, object]:
    environment = emulator.state.find(request.params.get("env"))
    return {
        key: {
            "size": entry.size,
            "md5": entry.md5,
            "last_modified": entry.last_modified,
            "headers": entry.headers,
        }
        for key, entry in sorted(environment.bucket.all().items())
    }


def _put_object(emulator: Emulator, request: Request) -> object:
    """Store the body at a key, as the console or another program does."""
    key, env = _key(request), request.params.get("env")
    known = emulator.state.find(env).bucket.get(key)
    headers = known.headers if known else None
    emulator.put_object(key, request.content, env=env, headers=headers)
    return _objects(emulator, request)[key]


def _delete_object(emulator: Emulator, request: Request) -> dict[str, object]:
    key, env = _key(request), request.params.get("env")
    if key not in (known := emulator.state.find(env).bucket.all()):
        raise unknown("object", key, sorted(known))
    emulator.delete_object(key, env=env)
    return _objects(emulator, request)


def _key(request: Request) -> str:
    key: str = _member({**request.params}, "key", (str,), "?key=static/a.css")
    return key


def _add_faults(emulator: Emulator, request: Request) -> list[dict[str, Any]]:
    value = _input(request)
    emulator.state.script.add(*(value if isinstance(value, list) else [value]))
    return emulator.state.script.as_list()


def _clear_faults(emulator: Emulator, _: Request) -> list[dict[str, Any]]:
    emulator.state.script.clear()
    return []


def _quirks(emulator: Emulator, request: Request) -> dict[str, object]:
    emulator.state.quirks.update(_object(request))
    return asdict(emulator.state.quirks)


def _clock(emulator: Emulator, request: Request) -> dict[str, object]:
    value = _object(request, "advance")
    emulator.state.advance(_member(value, "advance", (int, float), '{"advance": 60}'))
    return {"now": emulator.state.now()}


def _ticket(emulator: Emulator, request: Request) -> dict[str, object]:
    value = _object(request, "ticket")
    emulator.state.issue_ticket(_member(value, "ticket", (str,), '{"ticket": "..."}'))
    return {"ticket": emulator.state.tickets.newest}


def _push(emulator: Emulator, request: Request) -> dict[str, Any]:
    names = ("variant", "kind", "appid", "age")
    value = {"variant": "plain", "kind": TICKET, "appid": "", "age": 0}
    value |= _object(request, *names) if request.content else {}
    example = '{"variant": "plain", "kind": "authorized", "appid": "wx...", "age": 0}'
    variant, kind, appid = (_member(value, name, (str,), example) for name in names[:3])
    age = _member(value, "age", (int,), example)
    return emulator.push(variant, kind, appid=appid, age=age).as_dict()


def _account(emulator: Emulator, request: Request) -> list[str]:
    value = {"authorized": True, **_object(request, "appid", "authorized")}
    example = '{"appid": "wx...", "authorized": false}'
    appid = _member(value, "appid", (str,), example)
    given, inner = _member(value, "authorized", (bool,), example), emulator.state
    (inner.authorize if given else inner.withdraw)(appid)
    return sorted(inner.accounts)


def _expire_token(emulator: Emulator, _: Request) -> dict[str, object]:
    inner = emulator.state
    return {"access_token": inner.tokens.fetch(inner.now(), inner.quirks.token_seconds, 0)}


def _envs(emulator: Emulator, request: Request) -> dict[str, object]:
    value = _object(request, "env", "status", "condition", "alias", "appids")
    env = _member(value, "env", (str,), '{"env": "demo-1", "status": "online"}')
    example = '{"env": "demo-1", "condition": "HALTED", "alias": "demo", "appids": ["wx..."]}'
    more: dict[str, Any] = {n: value[n] for n in ("condition", "alias", "appids") if n in value}
    for name in more:
        _member(more, name, (list if name == "appids" else str,), example)
    emulator.add_env(env, value.get("status"))
    emulator.state.describe(env, **more)
    return _environment(emulator.state, emulator.state.find(env))


def _reset(emulator: Emulator, request: Request) -> dict[str, object]:
    emulator.state.reset()
    return _state(emulator, request)


_ACTIONS: dict[tuple[str, str], Callable[[Emulator, Request], object]] = {
    ("GET", "state"): _state,
    ("GET", "journal"): _journal,
    ("DELETE", "journal"): _clear_journal,
    ("GET", "objects"): _objects,
    ("PUT", "objects"): _put_object,
    ("DELETE", "objects"): _delete_object,
    ("GET", "faults"): lambda emulator, _: emulator.state.script.as_list(),
    ("POST", "faults"): _add_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "quirks"): _quirks,
    ("POST", "clock"): _clock,
    ("POST", "ticket"): _ticket,
    ("POST", "push"): _push,
    # Of a copy: a push may come in between.
    ("GET", "pushes"): lambda emulator, _: [push.as_dict() for push in [*emulator.state.pushes]],
    ("POST", "expire-token"): _expire_token,
    ("POST", "envs"): _envs,
    ("POST", "accounts"): _account,
    ("POST", "reset"): _reset,
}
