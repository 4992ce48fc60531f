"""Properties of the whole: any source, any sequence of faults, any settings, never a secret."""

from __future__ import annotations

import hashlib
import io
import itertools
import pickle
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.checks import registry
from django.core.files.base import File
from django.test import override_settings
from hypothesis import HealthCheck, example, given, settings, strategies as st

from tests.conftest import ENV
from wx_static_store.clients.transport import Transport
from wx_static_store.conf.options import MEDIA, OPTIONS, STATIC, Options
from wx_static_store.conf.settings import SETTING, options_for, resolve
from wx_static_store.core.retry import Clock, Deadline
from wx_static_store.core.types import UploadContext, UploadItem, UploadResult
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.kinds import KINDS
from wx_static_store.exceptions import ConfigurationError, WxStaticStoreError
from wx_static_store.storage import WxStorage
from wx_static_store.upload import sources
from wx_static_store.upload.sources import BLOCK
from wx_static_store.upload.store import get_store
from wx_static_store.upload.transfer import Transfer
from wx_static_store.upload.uploader import Uploader, get_uploader

LINK, PUT, TOKEN = "staticuploadfile", "put_object", "api_component_token"

# The emulator of a test serves all of its examples; each begins with `reset()` and a new key.
few = settings(
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
keys = (f"{number}.bin" for number in itertools.count())


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure(WX_STATIC_STORE={"READ_TIMEOUT": 0.5})
    return server


# --- H4: sources ------------------------------------------------------------------------------


class Pipe(io.RawIOBase):
    """A file that gives its blocks, however many bytes are asked for, and cannot seek."""

    def __init__(self, blocks: list[bytes]) -> None:
        self.blocks = [block for block in blocks if block]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        return self.blocks.pop(0) if self.blocks else b""


class Bits(BytesIO):
    """A file that gives at most `most` bytes at once, as a socket does."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__(content)
        self.most = most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.most if size is None or size < 0 else min(size, self.most))


_CONTENT = st.binary(max_size=300) | st.sampled_from([BLOCK - 1, BLOCK, BLOCK + 1]).map(bytes)
_EXPIRED = {
    "on": PUT, "do": "cos_error", "status": 403,
    "code": "AccessDenied", "message": "Request has expired",
}  # fmt: skip


@few
@given(_CONTENT, st.integers(1, 2 * BLOCK), st.booleans(), st.integers(0, 400), st.integers(1, 3))
def test_h04_any_source_arrives_whole(
    cloud: EmulatorServer, content: bytes, most: int, seekable: bool, position: int, attempts: int
) -> None:
    """Whatever blocks it gives, whatever its position, and however many attempts are needed."""
    cloud.reset()
    cloud.quirks.crc64_limit = 0  # it takes the emulator long
    most = max(most, len(content) // 100)
    file: Any = Bits(content, most)
    file.seek(position)
    if not seekable:
        file = Pipe([content[at : at + most] for at in range(0, len(content), most)])
    key = next(keys)
    cloud.script(*[_EXPIRED] * (attempts - 1))
    result = get_uploader().transfer(UploadItem(key, open=lambda: file, close=False))
    assert (result.status, result.attempts) == ("stored", attempts)
    assert cloud.objects()[key].body == content
    assert (result.size, result.md5) == (len(content), hashlib.md5(content).hexdigest())
    announced = {entry.headers["content-length"] for entry in cloud.calls(PUT, key=key)}
    assert announced == {str(len(content))}


def test_a_pipe_in_a_file_of_django_s_is_saved_though_it_knows_no_size(
    cloud: EmulatorServer,
) -> None:
    """Its `size` raises UnsupportedOperation, which is not for the caller of `save()`."""
    WxStorage(file_overwrite=True).save("a.txt", File(Pipe([b"con", b"tents"])))
    assert cloud.objects()["a.txt"].body == b"contents"


# --- H5: sequences of faults ------------------------------------------------------------------


def on(name: str, do: str, **parameters: Any) -> dict[str, Any]:
    return {"on": name, "do": do, **parameters}


def cos(code: str, status: int, **more: Any) -> dict[str, Any]:
    return on(PUT, "cos_error", code=code, status=status, **more)


ERRCODES = (-1, 40001, 42001, 45009, 45011, 40097, 85088, -501004, 99999)
FAULTS = [
    *(on(LINK, "errcode", errcode=errcode) for errcode in ERRCODES),
    *(on(name, "status", status=status) for name in (LINK, PUT) for status in (204, 429, 502)),
    *(on(name, do) for name in (LINK, PUT) for do in ("reset", "drop_reply", "html", "redirect")),
    *(on(name, do) for name in (LINK, PUT) for do in ("short_body", "interim", "close_on_reuse")),
    *(on(name, "hang", seconds=0.05) for name in (LINK, PUT)),
    *(on(name, "huge", bytes=100_000) for name in (LINK, PUT)),
    on(LINK, "gzip_bomb", megabytes=1),
    on(LINK, "truncate_json"),
    on(LINK, "merge", json={"token": None}),
    on(LINK, "merge", json={"errcode": True}),
    on(LINK, "link", host="evil.example"),
    on(LINK, "link", new_key="another.key"),
    on(LINK, "link", expired=True),
    *(on(PUT, "reset_after", bytes=bytes_) for bytes_ in (0, 20)),
    *(on(PUT, "store_truncated", bytes=bytes_) for bytes_ in (0, 20)),
    *(on(PUT, "etag", value=value) for value in ("0" * 32, "no-md5", "")),
    *(on(PUT, "early_status", bytes=1, status=403, code="AccessDenied", mode=mode)
      for mode in ("drain", "close", "reset")),
    cos("SlowDown", 503), cos("InternalError", 500), cos("BadDigest", 400),
    cos("SignatureDoesNotMatch", 403), cos("PaymentRequired", 402), _EXPIRED,
    on("connection", "accept_then_close"),
]  # fmt: skip


class Time:
    """A clock that moves by sleeps, exchanges and blocks."""

    def __init__(self, chance: float) -> None:
        self.seconds = 0.0
        self.clock = Clock(now=lambda: self.seconds, sleep=self.pass_, random=lambda: chance)

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds


class SlowFile(BytesIO):
    """Each block of it takes the time that the line needs for a block."""

    def __init__(self, content: bytes, time: Time, seconds: float) -> None:
        super().__init__(content)
        self.time, self.each = time, seconds

    def read(self, size: int | None = -1, /) -> bytes:
        self.time.pass_(self.each if size else 0)
        return super().read(size)


def slowed(exchange: Callable[..., Any], time: Time, seconds: float) -> Callable[..., Any]:
    """Let the exchange take its seconds, or end at the deadline, as other tests show."""

    def slow(*args: Any, deadline: Deadline, **more: Any) -> Any:
        try:
            return exchange(*args, deadline=deadline, **more)
        finally:
            time.pass_(min(seconds, deadline.left()))

    return slow


@settings(few, max_examples=60)
@given(
    faults=st.lists(st.sampled_from(FAULTS), max_size=8),
    content=st.binary(max_size=60),
    most=st.sampled_from([1, 2, 4, 8]),
    limit=st.sampled_from([2.0, 25.0, 100.0, 300.0]),
    takes=st.sampled_from([0.0, 0.5, 9.0, 30.0]),
    batch=st.booleans(),
    block=st.sampled_from([0.0, 0.5, 10.0]),
    chance=st.sampled_from([0.0, 0.5, 0.999]),
)
def test_h05_any_sequence_of_faults_ends_in_one_true_outcome(
    cloud: EmulatorServer,
    faults: list[dict[str, Any]],
    content: bytes,
    most: int,
    limit: float,
    takes: float,
    batch: bool,
    block: float,
    chance: float,
) -> None:
    """Attempts and time are bounded, each PUT has its own link, and stored means stored."""
    cloud.reset()
    cloud.script(*faults)
    time, key = Time(chance), next(keys)
    uploader = Uploader(replace(get_uploader().options, max_attempts=most, deadline=limit))
    uploader.store.clock = time.clock
    item = UploadItem(key, open=lambda: SlowFile(content, time, block), size=len(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transport, "exchange", slowed(Transport.exchange, time, takes))
        patch.setattr(sources, "BLOCK", 16)
        patch.setattr(sources, "HASH_AHEAD", -1)  # each block is read once, when it is sent
        result = Transfer(uploader.options, item, batch).run()
    assert_bounded(cloud, result, most)
    assert time.seconds <= limit + 0.01 + block
    assert_true(cloud, result, content)


def assert_bounded(cloud: EmulatorServer, result: UploadResult, most: int) -> None:
    calls = [entry for entry in cloud.calls(key=result.key) if entry.name in (LINK, PUT)]
    assert 1 <= result.attempts <= most
    assert sum(entry.name == LINK for entry in calls) <= result.attempts
    granted = False
    for entry in calls:
        assert entry.name == LINK or granted, "a PUT without a link of its own"
        granted = entry.name == LINK and entry.fault in (None, "link")


def assert_true(cloud: EmulatorServer, result: UploadResult, content: bytes) -> None:
    held = cloud.objects().get(result.key)
    assert (result.status == "stored") == (result.error is None)
    if result.status == "stored":
        assert held is not None
        assert held.body == content
    elif result.status == "failed":
        assert held is None
    else:
        assert result.status == "unknown"


# --- H12: no error shows a secret ---------------------------------------------------------------

PLANTED = {
    "access_token": "planted-access-token",
    "appsecret": "planted-appsecret",
    "ticket": "planted-ticket",
    "security_token": "planted-security-token",
}
ROBOT_KEY = "planted-robot-key"
SECRETS = (*PLANTED.values(), ROBOT_KEY, "q-signature", "q-ak")
ECHOES = (
    "invalid access_token={access_token}",
    '{{"component_appsecret": "{appsecret}"}}',
    "{{'component_verify_ticket': '{ticket}'}} rid: 65535f00-1a2b3c4d-0f1e2d3c",
    "POST /x?component_access_token={access_token}&a=b x-cos-security-token: {security_token}",
)


@pytest.fixture
def planted(configure: Any) -> Iterator[EmulatorServer]:
    with EmulatorServer(envs=(ENV,), **PLANTED) as server:
        configure(
            WX_STATIC_STORE={
                "API_BASE_URL": server.api_url,
                "ACCESS_TOKEN": None,
                "COMPONENT_APPID": server.state.account.appid,
                "COMPONENT_APPSECRET": PLANTED["appsecret"],
                "VERIFY_TICKET": PLANTED["ticket"],
                "ALERT_WECOM_URL": f"https://robot.example/send?key={ROBOT_KEY}",
                "MAX_ATTEMPTS": 2,
                "DEADLINE": 2.0,
                "READ_TIMEOUT": 0.5,
            }
        )
        yield server


def item() -> UploadItem:
    return UploadItem("a.txt", open=lambda: BytesIO(b"hello"))


def transfer() -> None:
    if error := get_uploader().transfer(item()).error:
        raise error


# What each entry point asks of the other side, after a token.
ENTRIES: dict[Callable[[], object], tuple[str, ...]] = {
    transfer: (LINK, PUT),
    lambda: get_uploader().upload(item(), UploadContext(source="test")): (LINK, PUT),
    lambda: get_store().find("a.txt"): ("staticfilelist",),
    lambda: list(get_store().sweep("")): ("staticfilelist",),
    lambda: get_store().url("a.txt"): ("describestaticstore",),
    lambda: get_store().fetch("a.txt", BytesIO()): ("describestaticstore", "get_object"),
}
ECHOED = [on(LINK, "errcode", errcode=40097, errmsg=text.format(**PLANTED)) for text in ECHOES]


@st.composite
def meetings(draw: st.DrawFn) -> tuple[Callable[[], object], dict[str, Any]]:
    """Draw an entry point, and a fault of one of its calls."""
    entry = draw(st.sampled_from([*ENTRIES]))
    call = draw(st.sampled_from([TOKEN, *ENTRIES[entry]]))
    fitting = [
        fault | {"on": call, "times": None}
        for fault in [*FAULTS, *ECHOED]
        if call in KINDS[fault["do"]].on
    ]
    return entry, draw(st.sampled_from(fitting))


@settings(few, max_examples=60)
@given(meetings())
def test_h12_no_error_shows_a_secret(
    planted: EmulatorServer, meeting: tuple[Callable[[], object], dict[str, Any]]
) -> None:
    entry, fault = meeting
    planted.reset()
    planted.script(fault)
    forget_everything()
    shown = everything_shown_by(entry)
    assert not [secret for secret in SECRETS if secret in shown]


def forget_everything() -> None:
    """Forget the token, the address and the failure of the last example; do not sleep."""
    cache.clear()
    store = get_store()
    store.tokens._shared._memory.clear()  # type: ignore[attr-defined]
    store.tokens._mine = None  # type: ignore[attr-defined]
    store._root = ""
    store.clock = Clock(sleep=lambda seconds: None)


def everything_shown_by(entry: Callable[[], object]) -> str:
    """Return all that the error of the call shows; empty if it raises none."""
    try:
        entry()
    except WxStaticStoreError as error:
        failure = error
    else:
        return ""
    trace = traceback.TracebackException.from_exception(failure, capture_locals=True)
    chain = (failure.__cause__, failure.__context__)
    facts = (str(failure), failure.args, vars(failure), chain, pickle.dumps(failure))
    return "\n".join([*map(repr, facts), repr(failure), *trace.format()])


# --- H14: settings ----------------------------------------------------------------------------

CANARY = "canary-of-a-secret"
_SECRET_NAMES = ("access_token", "component_appsecret", "verify_ticket", "app_secret", "token")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["https://a.example", "demo", "no-cache", 4, 0.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)  # fmt: skip
_SECRET_VALUES = st.sampled_from(
    [CANARY, [CANARY], {CANARY: CANARY}, {"a": [CANARY]}, f"{CANARY}\n", 5, None]
)


def dictionaries(case: Callable[[str], str]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(sorted(OPTIONS)) | st.text(max_size=5)
    values = st.dictionaries(names.map(case), _JSON, max_size=3)
    secrets = st.dictionaries(st.sampled_from(_SECRET_NAMES).map(case), _SECRET_VALUES, max_size=2)
    return st.builds(lambda *parts: parts[0] | parts[1], values, secrets)


def refusal(read: Callable[[], Options]) -> str:
    """Return the text of a ConfigurationError, or empty; catch no other error."""
    try:
        found = read()
    except ConfigurationError as error:
        return f"{error} {error!r} {error.hint}"
    assert CANARY not in repr(found)
    return ""


@few
@example({"DEADLINE": 10**400}, {}, True)  # beyond every float
@example({}, {"deadline": -(10**400)}, True)
@given(dictionaries(str.upper), dictionaries(str.lower), st.booleans())
def test_h14_any_settings_are_options_or_a_configuration_error(
    general: dict[str, Any], own: dict[str, Any], complete: bool
) -> None:
    backends = {"default": "storage.WxStorage", "staticfiles": "staticfiles.WxStaticFilesStorage"}
    wanted = {
        SETTING: general | ({"ENV": "demo"} if complete else {}),
        "STORAGES": {
            alias: {"BACKEND": f"wx_static_store.{backend}", "OPTIONS": own}
            for alias, backend in backends.items()
        },
    }
    with override_settings(**wanted):
        said = [refusal(lambda alias=alias: options_for(alias)) for alias in backends]  # type: ignore[misc]
        said += [refusal(lambda kind=kind: resolve(kind)) for kind in (MEDIA, STATIC)]  # type: ignore[misc]
        said += map(repr, messages_of_our_checks())
    assert not [text for text in said if CANARY in text]


def messages_of_our_checks() -> list[Any]:
    ours = [
        check
        for check in registry.registry.get_checks(include_deployment_checks=True)
        if check.__module__.startswith("wx_static_store.")
    ]
    return [message for check in ours for message in check(app_configs=None, databases=None)]
