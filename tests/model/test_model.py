"""
The reference model: what a dict of keys and bytes says, storage, API and commands must say, too.

A step saves, uploads, deletes, deploys, rolls back, repairs or prunes. Between the steps time
passes, lists are late by up to eight seconds, uploads fail, and somebody else writes objects. Each
*saved*, 201 and *done* is compared with the bytes in the bucket at that moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import md5
from io import StringIO
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from django import forms
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from hypothesis import stateful, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from rest_framework.test import APIClient

from tests.bookshop.models import Book
from tests.conftest import ENV, close_connections, configured, examples, slow
from tests.deploys import configure_storages, write
from tests.model.cloud import Cloud, Object, is_public
from wx_static_store.core.retry import Clock
from wx_static_store.deploy import locks
from wx_static_store.deploy.state import state
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.forms import WxModelFormMixin
from wx_static_store.models import Deployment, Release, UploadLog
from wx_static_store.upload import recorder, store

FILES = "django.core.files.storage.FileSystemStorage"
NAMES = ("books/a.txt", "books/b.txt")  # where Book keeps its files
BODIES = (b"one", b"two")
FOLDERS = ("s", "t")
KEPT = "public, max-age=7"
TREES: tuple[dict[str, bytes], ...] = (
    {"index.html": b"<p>0", "a.css": b"a0", "b.txt": b"same"},
    {"index.html": b"<p>1", "a.css": b"a1", "b.txt": b"same", "more.html": b"<p>more"},
    {"index.html": b"<p>2", "a.css": b"a0", "b.txt": b"b2"},
)
KEYS = (*NAMES, *(f"{folder}/{name}" for folder in FOLDERS for name in ("index.html", "b.txt")))
LINK, PUT, LIST = "staticuploadfile", "put_object", "staticfilelist"
FAULTS: tuple[dict[str, Any], ...] = (
    *({"on": LINK, "do": "errcode", "errcode": errcode} for errcode in (-1, 40097)),
    *({"on": name, "do": "reset"} for name in (LINK, PUT)),
    *({"on": PUT, "do": "status", "status": 504, "apply": apply} for apply in (False, True)),
    {"on": PUT, "do": "cos_error", "code": "AccessDenied", "status": 403},
    *({"on": PUT, "do": do, "bytes": 1} for do in ("reset_after", "store_truncated")),
    {"on": PUT, "do": "drop_reply"},
    {"on": LIST, "do": "errcode", "errcode": -1},
    {"on": LIST, "do": "truncate_json"},
)
# Each of these must happen in a run: else the model shows nothing.
MET = {"name", "suffix", "deleted", "save failed", "201", "409", "412", "condition held"}
MET |= {"deploy 0", "roll back 0", "repair 0"}


def digest(body: bytes) -> str:
    return md5(body).hexdigest()


class Version(NamedTuple):
    """What a deploy publishes: a tree, and whether a rule sets headers of its texts."""

    tree: int
    mapped: bool

    @property
    def label(self) -> str:
        return f"v{self.tree} {'mapped' if self.mapped else 'plain'}"

    @property
    def files(self) -> dict[str, bytes]:
        return TREES[self.tree]


VERSIONS = st.builds(Version, st.integers(0, len(TREES) - 1), st.booleans())


@dataclass
class Folder:
    """What was deployed to a folder: the id of each row, its version and outcome, in order."""

    deployed: list[tuple[int, Version, str]] = field(default_factory=list)

    @property
    def wanted(self) -> Version | None:
        return self.deployed[-1][1] if self.deployed else None

    @property
    def good(self) -> list[tuple[int, Version]]:
        """Return what ended well, the newest first: that is live."""
        return [(pk, version) for pk, version, how in reversed(self.deployed) if how == "done"]

    @property
    def before(self) -> Version | None:
        """Return where a roll back without a name goes."""
        return next((version for _pk, version in self.good if version != self.wanted), None)


ENDS = st.sampled_from(["saved", "failed", "saved, then left"])


class BookForm(WxModelFormMixin, forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Book
        fields = ("title", "file")


class Before(NamedTuple):
    """All that was there before a step, and of which keys the package could know it."""

    objects: Mapping[str, Object]
    certain: frozenset[str]
    told: frozenset[str]


class Model(RuleBasedStateMachine):
    """One project, two of its users, and somebody who knows nothing of it."""

    met: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.around = ExitStack()
        self.cloud = Cloud()
        self.around.callback(self.cloud.server.stop)
        self.root = Path(self.around.enter_context(TemporaryDirectory()))
        self.around.enter_context(project(self.cloud, self.root))
        self.pending: dict[str, str] = {}  # MD5s that a lost answer left in doubt, by key
        self.books: dict[int, str] = {}  # rows, and the name of the file that each has
        self.left: list[str] = []  # files of forms that failed
        self.folders = {name: Folder() for name in FOLDERS}
        self.clients = {name: client_of(name) for name in ("ann", "ben")}

    def teardown(self) -> None:
        self.around.close()

    # --- what goes wrong ------------------------------------------------------------------------

    @initialize(lag=st.sampled_from([0, 2, 5, 8]), version=VERSIONS)
    def begin(self, lag: int, version: Version) -> None:
        """Make the lists late; there are a file and a site."""
        self.cloud.server.quirks.list_lag_seconds = lag
        self.save(NAMES[0], BODIES[0])
        self.deploy(FOLDERS[0], version, verify=False)

    @rule(seconds=st.sampled_from([1, 3, 6, 9, 61, 16 * 60, 2 * 86400]))
    def time_passes(self, seconds: int) -> None:
        self.cloud.wait(seconds)

    @rule(fault=st.sampled_from(FAULTS), times=st.integers(0, 3))
    def requests_fail(self, fault: dict[str, Any], times: int) -> None:
        """Let so many requests fail; none any more, if these are none."""
        if times:
            self.cloud.server.script({**fault, "times": times})
        else:
            self.cloud.server.state.script.clear()

    @rule(key=st.sampled_from(KEYS), body=st.sampled_from([*BODIES, TREES[0]["index.html"], None]))
    def somebody_else_writes(self, key: str, body: bytes | None) -> None:
        """Write as the console does; a row whose file somebody replaced owns it no more."""
        self.cloud.write(key, body)
        self.disown(key)

    def disown(self, key: str) -> None:
        self.books = {pk: name for pk, name in self.books.items() if name != key}

    # --- storage and forms ----------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES), body=st.sampled_from(BODIES))
    def save(self, name: str, body: bytes) -> None:
        """Save as a job does."""
        before = self.look()
        try:
            saved = default_storage.save(name, ContentFile(body))
        except WxStaticStoreError as error:
            self.note_failure(before, error)
            return
        self.took(before, saved, body)
        self.books[Book.objects.create(title="job", file=saved).pk] = saved

    @rule(
        name=st.sampled_from(NAMES), body=st.sampled_from(BODIES), ends=st.lists(ENDS, min_size=1)
    )
    def send_form(self, name: str, body: bytes, ends: list[str]) -> None:
        """Send a form, and again; another one of its page may fail, before or after it is saved."""
        for end in ends[:3]:
            before = self.look()
            form = BookForm({"title": "form"}, {"file": SimpleUploadedFile(name[6:], body)})
            if not form.is_valid():
                self.note_failure(before)
                return
            saved = str(form.instance.file.name)
            self.took(before, saved, body)
            if end == "failed":
                self.left.append(saved)
            else:
                self.books[form.save().pk] = saved
            if end != "saved":
                form.leave_files()

    def took(self, before: Before, name: str, body: bytes) -> None:
        """Check a name that a save gave: these bytes are there, and the name was free."""
        there, old = self.cloud.at(name), before.objects.get(name)
        if name not in before.certain:
            if there is old:
                return  # a form left the file, and somebody else has just replaced it
            self.disown(name)
        assert _md5(there) == digest(body), f"{name} was saved, and has other bytes, or none"
        assert name not in self.books.values(), f"{name} belongs to another row"
        free = there is old or name not in before.certain or not is_public(old)
        assert free, f"{name} was saved over a public file"
        self.met["name" if name in NAMES else "suffix"] += 1
        self.cloud.tell(name)

    @rule(which=st.integers(0, 9))
    def delete(self, which: int) -> None:
        """Delete the file of a row, and the row; or one that a form left."""
        names = [*self.books.values(), *self.left, *NAMES]
        name, before = names[which % len(names)], self.look()
        try:
            default_storage.delete(name)
        except WxStaticStoreError as error:
            self.note_failure(before, error)
            return
        self.disown(name)
        if name in before.certain:
            assert not is_public(self.cloud.at(name)), f"{name} was deleted and is public"
            self.cloud.tell(name)
            self.met["deleted"] += 1

    @rule(name=st.sampled_from(NAMES))
    def read(self, name: str) -> None:
        """Ask whether a file exists, and open it."""
        before, there = self.look(), self.cloud.at(name)
        with suppress(WxStaticStoreError):
            exists = default_storage.exists(name)
            assert exists == is_public(there) or name not in before.certain
        with suppress(WxStaticStoreError, FileNotFoundError), default_storage.open(name) as file:
            assert there is not None
            assert file.read() == there.body

    # --- the API --------------------------------------------------------------------------------

    @rule(
        user=st.sampled_from(["ann", "ben"]),
        form=st.booleans(),
        key=st.sampled_from([*NAMES, "s/b.txt"]),
        body=st.sampled_from(BODIES),
        overwrite=st.booleans(),
        condition=st.sampled_from([None, None, None, "new", "any", *BODIES]),
    )
    def send(
        self, user: str, form: bool, key: str, body: bytes, overwrite: bool, condition: Any
    ) -> None:
        before, client, headers = self.look(), self.clients[user], _headers(condition)
        if form:
            fields = {"store": "default", "path": key, "overwrite": str(overwrite).lower()}
            fields["file"] = SimpleUploadedFile(key.rpartition("/")[2], body)
            response = client.post("/wx/uploads/", fields, format="multipart", headers=headers)
        else:
            url = f"/wx/uploads/default/{key}?overwrite={str(overwrite).lower()}"
            kind = "application/octet-stream"
            response = client.put(url, body, content_type=kind, headers=headers)
        self.answered(before, key, digest(body), response, replaces=user == "ann" and overwrite)
        if response.status_code == 201 and key in before.certain and condition is not None:
            old = before.objects.get(key)
            assert _holds(condition, old), f"{condition!r} did not hold at {key}"
            self.met["condition held"] += 1

    @rule(user=st.sampled_from(["ann", "ben"]), which=st.integers(0, 1))
    def retry(self, user: str, which: int) -> None:
        """Retry one of the newest rows that did not succeed."""
        rows = UploadLog.objects.exclude(status="stored").exclude(key="")
        row = rows.order_by("-id")[which : which + 1].first()
        if row is None or row.is_deletion:
            return
        before = self.look()
        response = self.clients[user].post(f"/wx/uploads/{row.pk}/retry/")
        self.answered(before, row.key, row.md5, response, replaces=user == "ann")

    def answered(
        self, before: Before, key: str, wanted: str, response: Any, *, replaces: bool
    ) -> None:
        """Check an answer: 201 is true, a refusal changed nothing, and nobody lost a file."""
        there, old, code = self.cloud.at(key), before.objects.get(key), response.status_code
        assert code in (201, 409, 412, 413, 502, 503, 504), response.content
        self.met[str(code)] += 1
        # Bytes may be sent again that are there, or that a lost answer left in doubt.
        replaces |= wanted in (_md5(old), self.pending.get(key))
        if code == 201:
            assert _md5(there) == wanted, f"201, and {key} is not there, or has other bytes"
            self.cloud.tell(key)
        elif code == 504:
            self.pending[key] = wanted
        else:
            assert there is old, f"{code}, and {key} changed"
        if key in before.certain and is_public(old) and not replaces:
            assert _md5(there) == _md5(old), f"{key} was replaced without the permission"
        if there is not old:
            self.disown(key)

    # --- commands -------------------------------------------------------------------------------

    @rule(folder=st.sampled_from(FOLDERS), version=VERSIONS, verify=st.booleans())
    def deploy(self, folder: str, version: Version, verify: bool) -> None:
        rules = [f"--map=*.txt={KEPT}"] * version.mapped
        arguments = [str(self.root / str(version.tree)), folder, f"--label={version.label}", *rules]
        self.command("deploy", folder, version, arguments, verify=verify)

    @precondition(lambda self: self.deployed)
    @rule(
        number=st.integers(0, 1),
        to=st.sampled_from(["repair", "repair", "before", 0, 1, 2, 3]),
        verify=st.booleans(),
    )
    def publish_release(self, number: int, to: str | int, verify: bool) -> None:
        """Repair a folder, or roll it back: to the release before, or to one with a name."""
        name = self.deployed[number % len(self.deployed)]
        folder = self.folders[name]
        if isinstance(to, int):
            _pk, version, _outcome = folder.deployed[to % len(folder.deployed)]
            kind, mode = "roll back", f"--rollback={version.label}"
        elif to == "repair":
            kind, mode, version = "repair", "--repair", folder.wanted
        else:
            kind, mode, version = "roll back", "--rollback", folder.before
        self.command(kind, name, version, [mode, f"--prefix={name}"], verify=verify)

    @property
    def deployed(self) -> list[str]:
        return [name for name, folder in self.folders.items() if folder.deployed]

    @rule(clears_cache=st.booleans())
    def prune(self, clears_cache: bool) -> None:
        """Look after log and releases; clear the cache or not."""
        before = self.look()
        if clears_cache:
            cache.clear()
        call_command("wx_prune", "--days=1", "--releases=1", "--yes", stdout=StringIO())
        assert before.objects == self.cloud.all()

    def command(
        self, kind: str, folder: str, version: Version | None, arguments: list[str], *, verify: bool
    ) -> None:
        """Run ``wx_deploy``; what it says must be true of the bucket."""
        before, code = self.look(), 0
        flags = ["--using=site", "--yes", "--verbosity=0", *["--verify"] * verify]
        try:
            call_command("wx_deploy", *arguments, *flags, stdout=StringIO(), stderr=StringIO())
        except CommandError as error:
            code = error.returncode
        self.met[f"{kind} {code}"] += 1
        row = self.note_row(folder, version)
        assert row or code, f"{kind} of {folder} ended well without a row"
        if row and version and code == 0:
            assert (row.outcome, row.checked if verify else "ok") == ("done", "ok")
            self.check_folder(before, kind, folder, version, verified=verify)
        if not row:
            assert before.objects == self.cloud.all()

    def note_row(self, folder: str, version: Version | None) -> Deployment | None:
        """Add what the command deployed to the model; return its row, None if it did not begin."""
        known = self.folders[folder]
        newest = known.deployed[-1][0] if known.deployed else 0
        rows = Deployment.objects.filter(folder=f"{folder}/", pk__gt=newest)
        row = rows.exclude(release=None).first()
        if row:
            assert version is not None
            released = {file.name: file.md5 for file in row.release.contents()}
            wanted = {name: digest(body) for name, body in version.files.items()}
            assert released == wanted, f"{row} is of another release than {version.label}"
            known.deployed.append((row.pk, version, row.outcome))
            found = state(ENV, f"{folder}/")
            assert found.wanted == row
            assert (found.live and found.live.pk) == next((pk for pk, _version in known.good), None)
        return row

    def check_folder(
        self, before: Before, kind: str, folder: str, version: Version, *, verified: bool
    ) -> None:
        """Check *done*: each file that could be known is there, and has its headers."""
        for name, body in version.files.items():
            key = f"{folder}/{name}"
            there, old = self.cloud.at(key), before.objects.get(key)
            # A roll back may trust the log, which knows only what was sent from here.
            known = before.told if kind == "roll back" and not verified else before.certain
            if there is old and key not in known:
                continue
            assert _md5(there) == digest(body), f"{kind} to {version.label} was done, not at {key}"
            if name.endswith(".txt") and (there is not old or key in before.told):
                kept = self.cloud.all()[key].headers.get("Cache-Control") == KEPT
                assert kept == version.mapped, f"{kind} was done, and {key} has other headers"
            self.cloud.tell(key)

    # --- both -----------------------------------------------------------------------------------

    def look(self) -> Before:
        objects = self.cloud.all()
        keys = {*objects, *NAMES, *self.books.values()}
        certain = frozenset(key for key in keys if self.cloud.is_certain(key))
        told = frozenset(key for key in keys if self.cloud.is_told(key))
        return Before(objects, certain, told)

    def note_failure(self, before: Before, error: WxStaticStoreError | None = None) -> None:
        """Check that a save that failed for certain changed nothing."""
        self.met["save failed"] += 1
        if getattr(error, "status", "") == "failed":
            assert before.objects == self.cloud.all()


def _md5(there: Object) -> str:
    return there.md5 if there else ""


def _headers(condition: Any) -> dict[str, str]:
    known = {None: {}, "new": {"If-None-Match": "*"}, "any": {"If-Match": "*"}}
    return known[condition] if condition in known else {"If-Match": f'"{digest(condition)}"'}


def _holds(condition: Any, old: Object) -> bool:
    if condition == "new":
        return not is_public(old)
    return is_public(old) and (condition == "any" or _md5(old) == digest(condition))


# --- the project --------------------------------------------------------------------------------


@contextmanager
def project(cloud: Cloud, root: Path) -> Iterator[None]:
    """Use the emulator with empty tables; the package never sleeps, and names are counted."""
    private = {
        alias: {"BACKEND": FILES, "OPTIONS": {"location": str(root / alias)}}
        for alias in ("releases", "waiting")
    }
    options = {"RELEASE_STORAGE": "releases", "WAITING_STORAGE": "waiting", "MAX_ATTEMPTS": 2}
    options |= {"BASE_URL": cloud.server.site_url(), "MAX_WORKERS": 2, "UPLOAD_LOCATION": ""}
    changes = {
        "STORAGES": configure_storages() | private,
        "WX_STATIC_STORE": options,
        "ROOT_URLCONF": "tests.api.urls",
    }
    (root / "waiting").mkdir()
    for number, tree in enumerate(TREES):
        write(root / str(number), tree)
    numbers = count(1)
    with pytest.MonkeyPatch.context() as patch, configured(cloud.server, root, **changes):
        clock = Clock(sleep=lambda seconds: None, random=lambda: 0.5)
        patch.setattr(store, "Clock", lambda: clock)
        patch.setattr(locks, "LAST_PUT", 0.0)
        suffix = "django.core.files.storage.base.get_random_string"
        patch.setattr(suffix, lambda length: f"{next(numbers):0{length}}")
        for model in (UploadLog, Deployment, Release, Book, User):
            model._base_manager.all().delete()  # type: ignore[attr-defined]
        cache.clear()
        recorder.reset()
        yield
        close_connections()


def client_of(name: str) -> APIClient:
    """Return a client of the API; only ann may replace files."""
    user = User.objects.create(username=name)
    allowed = ["upload", "retry", "view_uploadlog", *["replace"] * (name == "ann")]
    permissions = Permission.objects.filter(content_type__app_label="wx_static_store")
    user.user_permissions.set(permissions.filter(codename__in=allowed))
    client = APIClient()
    client.force_authenticate(User.objects.get(pk=user.pk))
    return client


@slow
@pytest.mark.django_db(transaction=True)
def test_all_entries_say_what_the_model_says() -> None:
    Model.met.clear()
    stateful.run_state_machine_as_test(Model, settings=examples(150, stateful_step_count=30))
    assert Model.met.keys() >= MET, "what never happened was not shown"
