"""
Random bytes for the view, to be run by hand: ``python -m tests.callback.fuzz -max_total_time=60``.

Arguments are libFuzzer's; ``pip install -e '.[dev,fuzz]'`` brings atheris. The first byte of an
input chooses the method and what the rest is: a request as it is, or what a holder of the keys
signed. A finding is an exception, a status that no answer has, or an answer after over a second.
"""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUSES = {200, 403, 405, 413}
SECONDS = 1.0
SIZE = 70_000  # above the limit of a body

Make = Callable[[bytes], Any]  # a Push


def prepare() -> None:
    """Set up a project in memory, with the table of tickets."""
    import django
    from django.core.management import call_command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    call_command("migrate", verbosity=0)


def modes() -> list[Make]:
    """From outside to inside; the first two know no key."""
    from tests.callback import pushes as p

    def request(raw: bytes) -> p.Push:
        query, _, body = raw.partition(b"\n")
        return p.Push(query.decode("latin-1"), body)

    def body(raw: bytes) -> p.Push:
        return p.Push(p.push().query, raw)

    def encrypt(raw: bytes) -> p.Push:
        return p.signed(raw.decode("latin-1"))

    def blocks(raw: bytes) -> p.Push:
        return p.signed(p.enciphered(raw[: len(raw) // 16 * 16]))

    def plaintext(raw: bytes) -> p.Push:
        return p.signed(p.enciphered(p.padded(raw)))

    def ticket(raw: bytes) -> p.Push:
        return p.push(p.ticket(raw.decode("latin-1")))

    def question(raw: bytes) -> p.Push:
        return p.Push(p.question(raw.decode("latin-1")), b"")

    return [request, body, encrypt, blocks, plaintext, p.push, ticket, question]


def seeds() -> dict[bytes, int]:
    """Return an input or two for each mode, and their statuses."""
    from tests.callback import pushes as p

    genuine = p.push()
    plain = p.plaintext(p.ticket())
    hostile = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a d='e'><?f g?>&b;</a>"
    event = p.event("authorized", info="<a><b>1</b><b>2</b></a>")
    return {
        b"\0" + genuine.query.encode() + b"\n" + genuine.body: 200,
        b"\1" + hostile.encode(): 403,
        b"\2" + p.encrypted(p.ticket()).encode(): 200,
        b"\3" + p.padded(plain): 200,
        b"\4" + plain: 200,
        b"\5" + p.ticket().encode(): 200,
        b"\5" + event.encode(): 200,
        b"\6" + p.TICKET.encode(): 200,
        b"\x87" + b"4567890123": 200,
        b"\x80" + b"timestamp=1&nonce=n&echostr=e&signature=" + b"0" * 40: 403,
    }


def one_input(data: bytes) -> int:
    """Return the status of the answer; raise AssertionError where it is a finding."""
    from django.test import RequestFactory

    from tests.callback.pushes import PATH
    from wx_static_store.callback.views import receive

    choice, raw = (data[0], data[1:]) if data else (0, b"")
    sent = modes()[choice & 7](raw)
    method = "GET" if choice & 128 else "POST"
    request = RequestFactory().generic(method, PATH, sent.body, QUERY_STRING=sent.query)
    started = time.thread_time()  # of this thread alone, however busy the machine is
    status = receive(request).status_code
    assert time.thread_time() - started < SECONDS, "an answer took too long"
    assert status in STATUSES, status
    return status


def main(arguments: list[str]) -> None:
    try:
        import atheris
    except ImportError:
        sys.exit("The fuzzer needs atheris: pip install -e '.[dev,fuzz]'")
    with atheris.instrument_imports(include=["wx_static_store.callback", "tests.callback.pushes"]):
        prepare()
        from tests.callback import pushes  # noqa: F401
    logging.disable()  # a refusal is a line
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds()):
            (Path(corpus) / str(number)).write_bytes(seed)
        options = [f"-max_len={SIZE}", "-len_control=20", *arguments]
        atheris.Setup(["fuzz", *options, corpus], lambda data: (one_input(data), None)[1])
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
