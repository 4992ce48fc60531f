"""What the command prints when it is ready: the settings to paste, and what else it knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .chinese import chinese, said
from .server import EmulatorServer

_IN_MEMORY = (
    "in memory: they end with the emulator, but your project's log still has them. "
    "manage.py wx_reconcile --fix corrects it."
)


def greeting(server: EmulatorServer, folder: Path | None) -> str:
    """Return the lines, of which the last is `ready`."""
    form = "{0}：{1}" if chinese() else "{0:<20} {1}"
    facts = (form.format(said(label), value) for label, value in _facts(server, folder))
    head = said("# Paste into settings.py:")
    return "\n".join([head, settings(server), "", *facts, "ready", ""])


def settings(server: EmulatorServer) -> str:
    """Return the setting WX_STATIC_STORE with which a project uses the first environment."""
    values = {
        "ENV": next(iter(server.state.environments)),
        "API_BASE_URL": server.api_url,
        "ACCESS_TOKEN": server.access_token,
        "BASE_URL": server.site_url(),
    }
    lines = (f'    "{name}": {json.dumps(value)},' for name, value in values.items())
    return "\n".join(["WX_STATIC_STORE = {", *lines, "}"])


def _facts(server: EmulatorServer, folder: Path | None) -> Iterator[tuple[str, str]]:
    account, envs = server.state.account, server.state.environments
    yield "component appid", account.appid
    yield "component appsecret", account.appsecret
    yield "verify ticket", account.ticket
    if sender := server.sender:
        every = said("{url}  every {seconds:g} seconds")
        yield "tickets pushed to", every.format(url=sender.url, seconds=sender.seconds)
        yield "callback token", sender.keys.token
        yield "callback aes key", sender.keys.aes_key
    for env in envs:
        yield "environment", f"{env}  {server.site_url(env)}"
    if folder:
        count = sum(len(server.objects(env)) for env in envs)
        yield "objects", said("{count} in {folder}", count=count, folder=folder)
    else:
        yield "objects", said(_IN_MEMORY)
    yield "control plane", f"{server.api_url}/__emulator__/"
