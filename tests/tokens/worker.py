"""
A process whose threads upload small files until its stdin ends.

What it is to do stands in the environment, see `Worker` in ``harness.py``. It says on stdout when
it is ready and when it fetches a token; a line on stdin starts it, the end of stdin ends it.
"""

import json
import os
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import django
from django.conf import settings

GIVEN: dict[str, Any] = json.loads(os.environ.get("WX_TEST_WORKER", "{}"))


def say(word: str, **facts: Any) -> None:
    os.write(1, json.dumps({"says": word, **facts}).encode() + b"\n")


def configure() -> None:
    settings.configure(
        SECRET_KEY="of-all-processes",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "wx_static_store"],
        CACHES={"default": GIVEN["cache"]},
        STORAGES={"default": {"BACKEND": "wx_static_store.storage.WxStorage"}},
        WX_STATIC_STORE=GIVEN["options"],
    )
    django.setup()


def print_fetches() -> None:
    """Whoever holds the lock is known by this."""
    from wx_static_store.clients.wechat import WeChatClient

    original = WeChatClient.component_token

    def telling(*args: Any, **kwargs: Any) -> Any:
        say("fetches")
        try:
            return original(*args, **kwargs)
        finally:
            say("fetched")

    WeChatClient.component_token = telling  # type: ignore[method-assign]


class Uploads:
    """What the threads of this process saw."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.errors: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._end = threading.Event()

    def run(self) -> None:
        """Until the end of stdin; what a thread raises is raised here."""
        with ThreadPoolExecutor(GIVEN["threads"]) as pool:
            threads = [pool.submit(self._go_on, number) for number in range(GIVEN["threads"])]
            sys.stdin.read()
            self._end.set()
        for thread in threads:
            thread.result()

    def _go_on(self, thread: int) -> None:
        """One file after the other: each has a name of its own and holds just that."""
        from wx_static_store.core.types import UploadItem
        from wx_static_store.upload.transfer import Transfer
        from wx_static_store.upload.uploader import get_uploader

        uploader, number = get_uploader(), 0
        while not self._end.is_set():
            name = f"{GIVEN['name']}/{thread}/{number}.txt"
            body = name.encode()
            item = UploadItem(name, lambda body=body: BytesIO(body), size=len(body))
            self._note(Transfer(uploader.options, item, batch=True).run())
            number += 1

    def _note(self, result: Any) -> None:
        with self._lock:
            if result.error is None:
                self.stored.append(result.name)
            else:
                self.errors[f"{type(result.error).__name__}: {result.error.message}"] += 1


def main() -> None:
    configure()
    print_fetches()
    uploads = Uploads()
    say("ready")
    sys.stdin.readline()
    uploads.run()
    say("ends", stored=uploads.stored, errors=uploads.errors)


if __name__ == "__main__":
    main()
