"""
Waiting files against a dict: what was saved and not deleted, whoever is away, is public in the end.

A step saves, replaces, deletes or rolls back; outages begin and end, a push runs, time passes.
Meanwhile a storage says of a waiting file what the dict says. When the outage is over and nothing
is due any more, the bucket is the dict, and no row and no bytes are left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from hypothesis import stateful, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.conftest import close_connections, configured, examples, slow
from tests.model.cloud import Cloud, is_public
from tests.waiting import skipping_clock
from wx_static_store.conf import options_for
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.models import UploadLog, WaitingFile
from wx_static_store.upload import recorder, store
from wx_static_store.upload.push import push
from wx_static_store.upload.waiting import is_away, note_away, note_back

FILES = "django.core.files.storage.FileSystemStorage"
OURS = "wx_static_store.storage.WxStorage"
NAMES = st.sampled_from(["a.txt", "a.txt", "a.txt", "b.txt", "c.txt", "d.txt", "e.txt"])
BODIES = st.sampled_from([b"one", b"two", b"longer", b""])
ALIASES = st.sampled_from(["suffix", "overwrite"])
SAVES = st.lists(st.tuples(ALIASES, NAMES, BODIES, st.booleans()), min_size=1, max_size=4)
LINK, PUT, LIST = "staticuploadfile", "put_object", "staticfilelist"
OUTAGES: tuple[dict[str, Any], ...] = (
    *({"on": name, "do": "errcode", "errcode": -1} for name in ("*", LIST)),
    {"on": LINK, "do": "errcode", "errcode": 40001},
    {"on": LINK, "do": "reset"},
    {"on": PUT, "do": "cos_error", "code": "SlowDown", "status": 503},
    *2 * ({"on": PUT, "do": "drop_reply"},),
)
# Each of these must happen in a run: else the model shows nothing.
MET = {"sent", "waits", "another name", "replaced", "deletion waits", "rolled back", "pushed"}
MET |= {"settled"}


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
        self.files[name] = body
        self.names.add(name)

    @rule(which=st.integers(0, 3), alias=ALIASES)
    def delete(self, which: int, alias: str) -> None:
        """Delete a file, or one that is not there."""
        names = [*self.files, "a.txt"]
        name = names[which % len(names)]
        storages[alias].delete(name)
        self.met["deletion waits"] += self.rows().get(name) == "delete"
        self.files.pop(name, None)

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
        assert self.rows() == {}
        assert self.kept() == self.rolled_back
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
            assert (kind == "save") == (name in self.files), f"{name} waits for a {kind}"
            for alias in ("suffix", "overwrite"):
                self.check(storages[alias], name)

    def look(self) -> None:
        """Look at all files: the site may be there while the rest is away."""
        storage, is_well = storages["suffix"], not self.cloud.server.state.script.as_list()
        for name in self.names:
            self.check(storage, name, size=is_well)
        if is_well:
            assert sorted(storage.listdir("")[1]) == sorted(self.files)

    def check(self, storage: Any, name: str, *, size: bool = True) -> None:
        body = self.files.get(name)
        assert storage.exists(name) == (body is not None)
        try:
            with storage.open(name) as file:
                assert file.read() == body
            assert not size or storage.size(name) == len(body or b"")
        except FileNotFoundError:
            assert body is None

    # --- what is there --------------------------------------------------------------------------

    def rows(self) -> dict[str, str]:
        return dict(WaitingFile.objects.values_list("key", "kind"))

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
