"""What the command prints when it is ready: the settings to paste, and what else it knows."""

from __future__ import annotations

import json
from pathlib import Path

from .server import EmulatorServer

_IN_MEMORY = """\
in memory: the end of the emulator deletes them, but not the log of your project.
                     manage.py wx_reconcile --fix then corrects the log."""


def greeting(server: EmulatorServer, folder: Path | None) -> str:
    """Return the lines, of which the last is `ready`."""
    account = server.state.account
    environments = server.state.environments
    lines = ["# Paste into settings.py:", settings(server), ""]
    lines += [f"component appid      {account.appid}", f"component appsecret  {account.appsecret}"]
    lines += [f"verify ticket        {account.ticket}"]
    if sender := server.sender:
        lines += [f"tickets pushed to    {sender.url}  every {sender.seconds:g} seconds"]
        lines += [f"callback token       {sender.keys.token}"]
        lines += [f"callback aes key     {sender.keys.aes_key}"]
    for env in environments:
        lines.append(f"environment          {env}  {server.site_url(env)}")
    lines.append(f"objects              {_kept(server, folder)}")
    lines += [f"control plane        {server.api_url}/__emulator__/", "ready"]
    return "\n".join(lines) + "\n"


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


def _kept(server: EmulatorServer, folder: Path | None) -> str:
    if folder is None:
        return _IN_MEMORY
    count = sum(len(server.objects(env)) for env in server.state.environments)
    return f"{count} in {folder}"
