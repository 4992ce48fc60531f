"""Let one observer watch uploads that succeed and that fail; print which secrets it recorded."""

import json
import os
import re
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import django
from django.conf import settings

from tests.observers.observers import OBSERVERS
from wx_static_store.emulator import EmulatorServer, signing
from wx_static_store.emulator.tokens import Tokens

ENV = "demo-1a2b3c4d5e6f7g8h"
PLANTED = {
    "appsecret": "planted-appsecret",
    "ticket": "planted-ticket",
    "security_token": "planted-security-token",
}
ROBOT_KEY = "planted-robot-key"
FAULTS: list[dict[str, Any]] = [
    {"on": "staticuploadfile", "do": "status", "status": 502, "headers": {}, "body": ""},
    {"on": "staticuploadfile", "do": "reset"},
    {"on": "put_object", "do": "reset"},
    {"on": "put_object", "do": "hang", "seconds": 3},
    {"on": "put_object", "do": "cos_error", "code": "AccessDenied", "status": 403},
    {"on": "staticuploadfile", "do": "errcode", "errcode": 40001},
]


def noted(owner: Any, name: str) -> set[str]:
    """Collect what the function gives from now on."""
    given: set[str] = set()
    function = getattr(owner, name)

    def noting(*args: Any, **more: Any) -> str:
        given.add(value := function(*args, **more))
        return str(value)

    setattr(owner, name, noting)
    return given


def main(name: str) -> None:
    tokens, signatures = noted(Tokens, "fetch"), noted(signing, "signature")
    out = sys.stdout
    with EmulatorServer(envs=[ENV], **PLANTED) as cloud, tempfile.TemporaryDirectory() as folder:
        configure(cloud, Path(folder))
        # In a thread: some observers record the variables of all functions below it.
        recordings: list[str] = []
        thread = threading.Thread(target=watch, args=(name, cloud, recordings))
        thread.start()
        thread.join()
    sys.stdout = out
    (recorded,) = recordings
    planted = {*PLANTED.values(), ROBOT_KEY}
    secrets = {*planted, *tokens, *signatures, "q-signature", "q-ak", "access_token="}
    found = sorted(secret for secret in secrets if secret in recorded)
    context = [recorded[max(0, recorded.index(s) - 200) :][:300] for s in found]
    paths = [part for part in ("staticuploadfile", "watched.txt") if part in recorded]
    host = bool(re.search("127.0.0.1", recorded))
    reply = {"found": found, "context": context, "paths": paths, "host": host}
    reply |= {"tokens": len(tokens), "secrets": len(secrets)}
    out.write(json.dumps(reply) + "\n")
    out.flush()
    os._exit(0)  # an observer's threads may wait for a server that is not there


def configure(cloud: EmulatorServer, folder: Path) -> None:
    (folder / "static").mkdir()
    (folder / "static" / "site.css").write_text("body{}")
    storage = {"BACKEND": "wx_static_store.storage.WxStorage", "OPTIONS": {"file_overwrite": True}}
    static = {
        "BACKEND": "wx_static_store.staticfiles.WxStaticFilesStorage",
        "OPTIONS": {"location": "static", "base_url": "https://www.example.com"},
    }
    settings.configure(
        SECRET_KEY="x" * 50,
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.staticfiles",
            "wx_static_store",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "db"}},
        STORAGES={"default": storage, "staticfiles": static},
        STATICFILES_DIRS=[folder / "static"],
        STATIC_ROOT=folder / "root",
        STATIC_URL="/static/",
        WX_STATIC_STORE={
            "ENV": ENV,
            "API_BASE_URL": cloud.api_url,
            "COMPONENT_APPID": "wx0000000000000001",
            "COMPONENT_APPSECRET": PLANTED["appsecret"],
            "VERIFY_TICKET": PLANTED["ticket"],
            "ALERT_WECOM_URL": f"https://robot.example/send?key={ROBOT_KEY}",
            "MAX_ATTEMPTS": 2,
            "DEADLINE": 1.0,
            "TOKEN_MIN_INTERVAL": 0.01,
        },
    )
    django.setup()


def watch(name: str, cloud: EmulatorServer, recordings: list[str]) -> None:
    seen = OBSERVERS[name][0]()
    use(cloud)
    recordings.append(seen())


def use(cloud: EmulatorServer) -> None:
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage
    from django.core.management import call_command

    from wx_static_store.exceptions import WxStaticStoreError

    call_command("migrate", verbosity=0)
    for number in range(25):
        default_storage.save(f"watched/{number}.txt", ContentFile(b"tea"))
    default_storage.save("watched.txt", ContentFile(b"tea"))
    call_command("collectstatic", interactive=False, verbosity=0)
    for fault in FAULTS:
        cloud.script(fault | {"times": None})
        with suppress(WxStaticStoreError):
            default_storage.save("watched.txt", ContentFile(b"tea"))
        cloud.state.script.clear()


if __name__ == "__main__":
    main(sys.argv[1])
