"""What the command prints when it is ready: the settings to paste, and what else it knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .language import translate
from .server import EmulatorServer


def greeting(server: EmulatorServer, folder: Path | None) -> str:
    """Return the lines, of which the last is `ready`."""
    facts = (
        # In Chinese, nothing is padded. xgettext:no-python-brace-format
        translate("{label:<20} {value}", label=label, value=value)
        for label, value in _facts(server, folder)
    )
    head = translate("# Paste into settings.py:")
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
    yield translate("component appid"), account.appid
    yield translate("component appsecret"), account.appsecret
    yield translate("verify ticket"), account.ticket
    if sender := server.sender:
        seconds = sender.seconds
        every = translate("{url}  every {seconds:g} seconds", url=sender.url, seconds=seconds)
        yield translate("tickets pushed to"), every
        yield translate("callback token"), sender.keys.token
        yield translate("callback aes key"), sender.keys.aes_key
    for env in envs:
        yield translate("environment"), f"{env}  {server.site_url(env)}"
    if folder:
        count = sum(len(server.objects(env)) for env in envs)
        kept = translate("{count} in {folder}", count=count, folder=folder)
    else:
        kept = translate(
            "in memory: they end with the emulator, but your project's log still has them. "
            "manage.py wx_reconcile --fix corrects it."
        )
    yield translate("objects"), kept
    yield translate("control plane"), f"{server.api_url}/__emulator__/"
