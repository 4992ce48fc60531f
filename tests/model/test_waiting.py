"""
Waiting files against a dict: what was saved and not deleted, whoever is away, is public in the end.

A step saves, replaces, deletes or rolls back; outages begin and end, a push runs, time passes. A
person uploads what is refused or not, sends it again, or makes it unpublic. Meanwhile a storage
says of a waiting file what the dict says. When the outage is over and nothing is due any more, the
bucket is the dict, and no row and no bytes are left but those that a person has to decide about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from hypothesis import stateful, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.conftest import ENV, close_connections, configured, examples, slow
from tests.model.cloud import Cloud, is_public
from tests.waiting import skipping_clock
from wx_static_store.conf import options_for
from wx_static_store.core.refusals import PolicyRejected
from wx_static_store.core.types import DELETED_MD5, UploadContext
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.log.retry import retry_uploads
from wx_static_store.models import UploadLog, WaitingFile
from wx_static_store.submit.policy import Target
from wx_static_store.submit.send import send
from wx_static_store.submit.unpublish import unpublish
from wx_static_store.upload import parked, recorder, store
from wx_static_store.upload.push import push
from wx_static_store.upload.waiting import is_away, note_away, note_back, send_now
from wx_static_store.upload.waiting_bytes import path_for

FILES = "django.core.files.storage.FileSystemStorage"
OURS = "wx_static_store.storage.WxStorage"
NAMES = st.sampled_from(["a.txt", "a.txt", "a.txt", "b.txt", "c.txt", "d.txt", "e.txt"])
BODIES = st.sampled_from([b"one", b"two", b"longer", b""])
ALIASES = st.sampled_from(["suffix", "overwrite"])
SAVES = st.lists(st.tuples(ALIASES, NAMES, BODIES, st.booleans()), min_size=1, max_size=4)
LINK, PUT, LIST = "staticuploadfile", "put_object", "staticfilelist"
REFUSED = {"on": LINK, "do": "errcode", "errcode": 40097}
HERE, PERSON = Target("suffix", ENV, ""), User(is_active=True, is_superuser=True)
OUTAGES: tuple[dict[str, Any], ...] = (
    *({"on": name, "do": "errcode", "errcode": -1} for name in ("*", LIST)),
    {"on": LINK, "do": "errcode", "errcode": 40001},
    {"on": LINK, "do": "reset"},
    {"on": PUT, "do": "cos_error", "code": "SlowDown", "status": 503},
    *2 * ({"on": PUT, "do": "drop_reply"},),
)
# Each of these must happen in a run: else the model shows nothing.
MET = {"sent", "waits", "another name", "replaced", "deletion waits", "rolled back", "pushed"}
MET |= {"settled", "refused", "sent again", "made unpublic", "parked", "sent now"}


class Model(RuleBasedStateMachine):
    """Two storages of one place: one gives another name, the other one overwrites."""

    met: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.around = ExitStack()
        self.cloud = Cloud()
        self.around.callback(self.cloud.server.stop)
        self.folder = Path(self.around.enter_context(TemporaryDirectory()))
        self.files: dict[str, bytes] = {}
        self.held: dict[str, bytes] = {}  # which a person made unpublic before they were sent
        self.left: dict[str, bytes] = {}  # of uploads that failed
        self.names = {"a.txt"}  # that files have or had
        self.rolled_back: set[Path] = set()  # bytes that `wx_prune` frees some day

    @initialize(wait=st.sampled_from(["outage", "outage", "always"]))
    def begin(self, wait: str) -> None:
        self.wait = wait
        self.around.enter_context(project(self.cloud, self.folder, wait))

    def teardown(self) -> None:
        self.around.close()

    # --- what happens ---------------------------------------------------------------------------

    @rule(fault=st.sampled_from(OUTAGES) | st.none(), noticed=st.booleans())
    def outage(self, fault: dict[str, Any] | None, noticed: bool) -> None:
        """Let one begin or end; else the next save or push notices it, or time passes."""
        self.cloud.server.state.script.clear()
        if fault:
            self.cloud.server.script(fault | {"times": None})
        if noticed and fault:
            note_away(options_for("suffix"), WxStaticStoreError())
        elif noticed:
            note_back(options_for("suffix"))

    @rule(seconds=st.sampled_from([3, 6, 61, 130, 700, 2 * 86400]))
    def time_passes(self, seconds: int) -> None:
        self.cloud.wait(seconds)

    @rule(saves=SAVES)
    def save(self, saves: list[tuple[str, str, bytes, bool]]) -> None:
        for each in saves:
            self.save_one(*each)

    def save_one(self, alias: str, asked: str, body: bytes, person: bool) -> None:
        content = SimpleUploadedFile(asked, body) if person else ContentFile(body)
        before = self.rows()
        name = storages[alias].save(asked, content)
        if alias == "suffix":
            assert name not in self.files, f"{name} was saved over a file"
        else:
            assert name == asked
        waits = name in self.rows()
        assert waits or name not in before, f"{name} was sent past the row that waits"
        self.met["waits" if waits else "sent"] += 1
        self.met["another name"] += name != asked
        self.met["replaced"] += waits and name in before
        self.is_there(name, body)

    @rule(which=st.integers(0, 5), alias=ALIASES)
    def delete(self, which: int, alias: str) -> None:
        """Delete a file, or one that is not there."""
        name = self.choose(which)
        storages[alias].delete(name)
        self.met["deletion waits"] += self.rows().get(name) == "delete"
        self.is_there(name, None)

    # A direct save that is rolled back is public: no storage can take that back.
    @precondition(lambda self: self.wait == "always" or is_away(options_for("suffix")))
    @rule(alias=ALIASES, asked=NAMES, body=BODIES, deleted=NAMES)
    def roll_back(self, alias: str, asked: str, body: bytes, deleted: str) -> None:
        """Save a file and delete another one in a transaction that fails."""
        before, rows = self.kept(), self.rows()
        with transaction.atomic():
            storages[alias].save(asked, ContentFile(body))
            storages[alias].delete(deleted)
            transaction.set_rollback(True)
        assert (self.rows(), self.kept() >= before) == (rows, True)
        self.rolled_back |= self.kept() - before
        self.met["rolled back"] += 1

    @rule(name=NAMES, body=BODIES, overwrite=st.booleans(), refused=st.booleans())
    def upload(self, name: str, body: bytes, overwrite: bool, refused: bool) -> None:
        """Upload a file as the admin does; WeChat refuses some."""
        refused &= self.is_well
        self.cloud.server.script(*[REFUSED] * refused)
        try:
            how: dict[str, Any] = {"size": len(body), "overwrite": overwrite}
            result, _row = send(PERSON, HERE, name, BytesIO(body), UploadContext("admin"), **how)
        except PolicyRejected:  # another file has the name
            assert not overwrite
        else:
            if result.error is None:
                self.is_there(name, body)
            elif WaitingFile.objects.filter(key=name, state="left").exists():
                self.left[name] = body
                self.met["refused"] += 1
        finally:
            if refused:
                self.cloud.server.state.script.clear()
        self.names.add(name)

    @rule(which=st.integers(0, 5), replaces=st.booleans())
    def send_again(self, which: int, replaces: bool) -> None:
        """Send the newest upload of a name again, if it can be."""
        name = self.choose(which)
        row = UploadLog.objects.filter(key=name).order_by("id").last()
        [one] = [*retry_uploads([row], PERSON, replaces=replaces)] if row else [None]
        if one and one.outcome == "stored":
            body = self.left.get(name, self.files.get(name))
            self.met["sent again"] += name in self.left
            self.is_there(name, body)
            found = self.cloud.all()[name]
            assert found.body == body or (body is None and found.md5 == DELETED_MD5)

    @precondition(lambda self: self.is_well)
    @rule(which=st.integers(0, 5))
    def make_unpublic(self, which: int) -> None:
        name = self.choose(which)
        waits, body = self.rows().get(name) == "save", self.body_of(name)
        [result] = unpublish(PERSON, HERE, [name])
        assert result.error is None
        failed = self.left.get(name)
        self.is_there(name, None)
        self.held |= {name: body or b""} if waits else {}
        self.left |= {name: failed} if failed is not None else {}
        self.met.update({"made unpublic": 1, "parked": waits})

    @rule(which=st.integers(0, 5))
    def send_now(self, which: int) -> None:
        """Let a file be due that waits for a person, or whose upload failed."""
        if names := sorted({*self.held, *self.left} - {*self.files}):
            name = names[which % len(names)]
            body = (self.held | self.left)[name]
            assert send_now(WaitingFile.objects.get(key=name))
            self.is_there(name, body)
            self.met["sent now"] += 1

    @rule()
    def prune(self) -> None:
        for _size in parked.prune():
            pass
        self.left = {name: body for name, body in self.left.items() if name in self.states()}

    @rule()
    def push(self) -> None:
        counts = push()
        assert counts["parked"] == counts["elsewhere"] == 0
        self.met["pushed"] += counts["stored"] + counts["deleted"]

    @rule()
    def settle(self) -> None:
        """End the outage and push until nothing is due: the bucket is the dict."""
        self.met["settled"] += bool(self.rows())
        self.look()
        self.outage(None, noticed=False)
        self.cloud.wait(700)  # more than the longest pause; no lease is longer
        self.push()
        found = {key: each.body for key, each in self.cloud.all().items() if is_public(each)}
        assert found == self.files
        states = dict.fromkeys(self.held, "parked") | dict.fromkeys(self.left, "left")
        assert self.states() == states
        tokens = WaitingFile.objects.values_list("token", flat=True)
        assert self.kept() == self.rolled_back | {self.folder / path_for(each) for each in tokens}
        options = options_for("suffix")
        note_away(options, WxStaticStoreError())  # the log alone says what is there
        for name in self.names:
            self.check(storages["suffix"], name, size=False)
        note_back(options)

    # --- what a storage says --------------------------------------------------------------------

    @invariant()
    def waiting_files_are_there(self) -> None:
        """Let both storages say of a waiting file what the dict says; the cloud is not asked."""
        for name, kind in self.rows().items():
            is_file = self.body_of(name) is not None
            assert (kind == "save") == is_file, f"{name} waits for a {kind}"
            for alias in ("suffix", "overwrite"):
                self.check(storages[alias], name)

    def look(self) -> None:
        """Look at all files: the site may be there while the rest is away."""
        storage = storages["suffix"]
        for name in self.names:
            self.check(storage, name, size=self.is_well)
        if self.is_well:
            assert sorted(storage.listdir("")[1]) == sorted({*self.files, *self.held})

    def check(self, storage: Any, name: str, *, size: bool = True) -> None:
        body = self.body_of(name)
        assert storage.exists(name) == (body is not None)
        try:
            with storage.open(name) as file:
                assert file.read() == body
            assert not size or storage.size(name) == len(body or b"")
        except FileNotFoundError:
            assert body is None

    # --- what is there --------------------------------------------------------------------------

    @property
    def is_well(self) -> bool:
        return not self.cloud.server.state.script.as_list()

    def is_there(self, name: str, body: bytes | None) -> None:
        """Note what will be public under the name, whatever waited there."""
        for files in (self.files, self.held, self.left):
            files.pop(name, None)
        if body is not None:
            self.files[name] = body
        self.names.add(name)

    def body_of(self, name: str) -> bytes | None:
        """Return what a storage shows."""
        return self.held.get(name, self.files.get(name))

    def choose(self, which: int) -> str:
        names = [*self.files, *self.held, *self.left, "a.txt"]
        return names[which % len(names)]

    def rows(self) -> dict[str, str]:
        """Return what waits; no storage sees an upload that failed."""
        return dict(WaitingFile.objects.exclude(state="left").values_list("key", "kind"))

    def states(self) -> dict[str, str]:
        return dict(WaitingFile.objects.values_list("key", "state"))

    def kept(self) -> set[Path]:
        return {path for path in self.folder.rglob("*") if path.is_file()}


@contextmanager
def project(cloud: Cloud, folder: Path, wait: str) -> Iterator[None]:
    """Use the emulator with empty tables; the package never sleeps."""
    changes = {
        "STORAGES": {
            "suffix": {"BACKEND": OURS, "OPTIONS": {"wait": wait}},
            "overwrite": {"BACKEND": OURS, "OPTIONS": {"wait": wait, "file_overwrite": True}},
            "kept": {"BACKEND": FILES, "OPTIONS": {"location": str(folder)}},
        },
        "WX_STATIC_STORE": {"WAITING_STORAGE": "kept", "BASE_URL": cloud.server.site_url()},
    }
    with pytest.MonkeyPatch.context() as patch, configured(cloud.server, folder, **changes):
        patch.setattr(store, "Clock", skipping_clock)
        for model in (UploadLog, WaitingFile):
            model._base_manager.all().delete()  # type: ignore[attr-defined]
        cache.clear()
        recorder.reset()
        yield
        close_connections()


@slow
@pytest.mark.django_db(transaction=True)
def test_what_waits_is_in_the_end_what_a_dict_says() -> None:
    Model.met.clear()
    stateful.run_state_machine_as_test(Model, settings=examples(150, stateful_step_count=50))
    assert (+Model.met).keys() >= MET, "what never happened was not shown"
