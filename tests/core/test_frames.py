"""No exception carries the local variables that held a secret, whatever ended the call."""

import io
import json
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.waiting import wait_for
from wx_static_store.clients.tokens import CallableToken, current_token
from wx_static_store.core.frames import clearing_frames, described, is_from_signal
from wx_static_store.core.retry import Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConnectFailed
from wx_static_store.upload.sources import opened
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there is no SIGALRM")

APPSECRET, TICKET = "emulator-appsecret", "emulator-ticket"


class SoftTimeLimitExceeded(Exception):
    """The error that Celery raises in a task whose time is over."""


class GreenletExit(BaseException):
    """As gevent ends a greenlet."""


ENDS = [SystemExit, KeyboardInterrupt, GreenletExit, SoftTimeLimitExceeded]


@pytest.fixture
def raised_by_a_signal() -> Iterator[list[type[BaseException]]]:
    """Let the handler of SIGALRM raise the last error of the list."""
    errors: list[type[BaseException]] = []

    def handler(*_: object) -> None:
        raise errors[-1]

    before = signal.signal(signal.SIGALRM, handler)
    yield errors
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def locals_of(error: BaseException) -> str:
    """Show the local variables that an error monitor would send, without those of the tests."""
    walked = traceback.walk_tb(error.__traceback__)
    ours = os.path.dirname(__file__)
    frames = [frame for frame, _ in walked if not frame.f_code.co_filename.startswith(ours)]
    assert frames
    return "\n".join(f"{name} = {value!r}" for f in frames for name, value in f.f_locals.items())


@pytest.mark.django_db
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("call", ["api_component_token", "staticuploadfile", "put_object"])
def test_no_frame_shows_a_secret_of_a_call_that_is_broken_off(
    configure: Any,
    raised_by_a_signal: list[type[BaseException]],
    call: str,
    end: type[BaseException],
) -> None:
    cloud: EmulatorServer = configure(
        WX_STATIC_STORE={
            "ACCESS_TOKEN": None,
            "COMPONENT_APPID": "wx0000000000000001",
            "COMPONENT_APPSECRET": APPSECRET,
            "VERIFY_TICKET": TICKET,
        },
        STORAGES={
            "default": {
                "BACKEND": "wx_static_store.storage.WxStorage",
                "OPTIONS": {"file_overwrite": True},
            }
        },
    )
    if call != "api_component_token":
        get_store().tokens.get()
    raised_by_a_signal.append(end)
    calls = len(cloud.calls(call))
    cloud.script({"on": call, "do": "hang", "seconds": 30, "apply": False})

    def strike() -> None:
        wait_for(lambda: len(cloud.calls(call)) > calls, call)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    thread = threading.Thread(target=strike, daemon=True)
    thread.start()
    with pytest.raises(end) as caught:
        default_storage.save("a.txt", ContentFile(b"tea"))
    thread.join()
    shown = locals_of(caught.value) + repr(caught.value.__context__)
    secrets = [APPSECRET, TICKET, "q-signature", "?access_token="]
    if newest := cloud.state.tokens.newest:
        secrets.append(newest)
    assert [secret for secret in secrets if secret in shown] == []


def test_the_functions_of_a_traceback_stay(raised_by_a_signal: Any) -> None:
    def inner() -> None:
        secret = "canary"
        raise LookupError(len(secret))

    with pytest.raises(LookupError) as caught:
        clearing_frames(inner)()
    *_, (frame, _line) = traceback.walk_tb(caught.value.__traceback__)
    assert (frame.f_code.co_name, frame.f_locals) == ("inner", {})


def test_the_frames_of_what_the_caller_was_handling_stay() -> None:
    def inner(of_the_caller: str) -> None:
        raise KeyError

    try:
        inner("kept")
    except KeyError as handled:
        with pytest.raises(ValueError, match="none"):
            clearing_frames(int)("none")
        *_, (frame, _line) = traceback.walk_tb(handled.__traceback__)
        assert frame.f_locals == {"of_the_caller": "kept"}


def test_a_token_provider_s_frames_are_cleared() -> None:
    def provide() -> str:
        token = "canary"
        raise SystemExit(len(token))

    with pytest.raises(SystemExit) as caught:
        current_token(CallableToken(provide))
    *_, (frame, _line) = traceback.walk_tb(caught.value.__traceback__)
    assert (frame.f_code.co_name, frame.f_locals) == ("provide", {})


def test_an_error_is_described_by_the_last_line_that_the_project_wrote() -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{")
    line = traceback.extract_tb(caught.value.__traceback__)[0].lineno
    shown = described(caught.value)
    assert shown.startswith("JSONDecodeError: Expecting property name")
    assert shown.endswith(f"(test_frames.py, line {line})")


@pytest.mark.parametrize("end", [SoftTimeLimitExceeded, TimeoutError])
def test_what_a_signal_raises_in_a_token_provider_passes(
    raised_by_a_signal: list[type[BaseException]], end: type[Exception]
) -> None:
    raised_by_a_signal.append(end)

    def provide() -> str:
        signal.raise_signal(signal.SIGALRM)
        return "never"

    with pytest.raises(end) as caught:
        current_token(CallableToken(provide))
    assert type(caught.value) is end
    assert is_from_signal(caught.value)


@pytest.mark.parametrize("end", [SoftTimeLimitExceeded, TimeoutError])
def test_what_a_signal_raises_while_a_file_is_read_passes(
    raised_by_a_signal: list[type[BaseException]], end: type[Exception]
) -> None:
    raised_by_a_signal.append(end)

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if size:
                signal.raise_signal(signal.SIGALRM)
            return b""

    with pytest.raises(end) as caught, opened(UploadItem("a", lambda: Slow(b"tea"))):
        pass
    assert type(caught.value) is end


@pytest.mark.parametrize("handler", ["function", "method", "object"])
def test_the_handler_of_a_signal_may_be_any_callable(handler: str) -> None:
    class Limit:
        def reached(self, *_: object) -> None:
            raise TimeoutError

        __call__ = reached

    handlers: dict[str, Callable[..., None]] = {
        "function": lambda *_: Limit().reached(),
        "method": Limit().reached,
        "object": Limit(),
    }
    before = signal.signal(signal.SIGALRM, handlers[handler])
    try:
        with pytest.raises(TimeoutError) as caught:
            signal.raise_signal(signal.SIGALRM)
        assert is_from_signal(caught.value)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not is_from_signal(TimeoutError())


def test_the_caller_s_own_exception_is_not_raised_in_place_of_the_failure(configure: Any) -> None:
    """A project that reports its own failure by an upload."""
    configure()
    transport = get_store().wechat._transport

    def report() -> None:
        try:
            raise SoftTimeLimitExceeded
        except SoftTimeLimitExceeded:
            url = Secret("http://127.0.0.1:9/")
            transport.exchange("GET", url, stage="link", deadline=Deadline.after(30))

    with pytest.raises(ConnectFailed):
        report()
