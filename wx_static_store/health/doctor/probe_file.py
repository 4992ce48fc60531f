"""The file that a probe publishes in one environment: sent, requested, at last overwritten."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.db import Error

from ...clients.wechat import WeChatClient
from ...core.naming import NO_CACHE, SHORT as FIVE_MINUTES
from ...core.retry import Deadline, run
from ...core.types import UploadItem, UploadResult, UploadStatus, deletion
from ...deploy.records import items_of
from ...deploy.state import live
from ...exceptions import WxStaticStoreError
from ...i18n import gettext_lazy as _
from ...upload.as_sent import as_gzip, hashed
from ...upload.uploader import Uploader
from .facts import facts_of
from .findings import Finding, Mark, not_asked, of_error, ok
from .target import FOLDER, PROBE_SHARE, CheckTarget

if TYPE_CHECKING:
    from ...clients.transport import Reply

SIZE = 256 * 1024  # bytes of the first version: its speed can be measured
SMALL = 1024  # of the later ones
INDEX = "index.html"
_HEAD = b'<!doctype html><meta name="robots" content="noindex"><title>wx_doctor</title><!-- '

NOTHING = _("No file was published.")
_NOT_SERVED = _("The public address does not serve the file.")
_LATE = _("No time was left for this environment: allow more with --timeout.")


def page(size: int) -> bytes:
    """Return a page of about this size that equals no other."""
    return _HEAD + secrets.token_hex(size // 2).encode() + b" -->"


class ProbeFile:
    """One page in a folder of a random name; it learns facts."""

    def __init__(self, target: CheckTarget, env: str) -> None:
        self.env, self._target = env, target
        self.store = target.store(env)
        self.clock = self.store.clock
        folder = FOLDER + secrets.token_hex(8)
        self.name, self.gzip_name = f"{folder}/{INDEX}", f"{folder}/gzip.svg"
        self.key = self.store.options.location + self.name
        self.timeout = target.timeout
        # Seconds to wait for the CDN, so that each environment gets its share of a check's time.
        self.patience = self.timeout * (PROBE_SHARE - 2) / max(1, len(target.usable_envs))
        self.body = b""  # as it was sent last
        self.sent_at = 0.0
        self.is_stored = self.is_served = False
        self.public = set[str]()  # names at which something of ours may be
        # Of the environment, and of the platform: one file may teach both.
        self.facts, self.common = target.learned[env], target.learned[""]
        self.answers: dict[str, dict[str, Any]] = {}  # the newest by path; links are not kept
        self.content_type = ""  # of WeChat's answers
        self._wechat = WeChatClient(
            target.platform.transport, self.store.options.api_base_url, self._note_answer
        )
        self.headers = Uploader(self.store.options).headers(self._item())

    @cached_property
    def live_items(self) -> list[UploadItem]:
        """The files of the live release; none without a log or a release."""
        row = None if self._target.database_is_away else live(self.env, self.store.options.location)
        return items_of(row.release)[0] if row and row.release else []

    def remembered(self, fact: str) -> str:
        """Return the value that an earlier probe has learned; empty if none has."""
        with suppress(Error):  # a check says so
            known = () if self._target.database_is_away else facts_of(self.env)
            return "".join(each.value for each in known if each.name == fact)
        return ""

    # --- WeChat -----------------------------------------------------------------------------------

    def listed(self, prefix: str, marker: str = "") -> dict[str, Any]:
        """Return a page of the list below a prefix, as WeChat sent it."""
        self._target.ask(self._wechat.list_page, self.env, prefix, marker, env=self.env)
        return self.answers["staticfilelist"]

    def describe(self) -> dict[str, Any]:
        """Return the answer of `describestaticstore`, as WeChat sent it."""
        self._target.ask(self._wechat.describe, self.env, env=self.env)
        return self.answers["describestaticstore"]

    def _note_answer(self, path: str, answer: dict[str, Any], headers: Mapping[str, str]) -> None:
        self.answers[path.rpartition("/")[2]] = answer
        self.content_type = headers.get("Content-Type", "")

    # --- COS --------------------------------------------------------------------------------------

    def send(self, body: bytes, *, gzip: bool = False) -> UploadResult:
        """Send a version of the file, as every upload does; or as `gzip` beside it, as a deploy."""
        item = self._item(body)
        if gzip:
            # As assets are: an edge may keep what it made of them for one client, for all others.
            item = replace(item, name=self.gzip_name, cache_control=FIVE_MINUTES)
            item = as_gzip(self.store.options, hashed(item))
        result = self._uploader.transfer(item)
        if result.status is not UploadStatus.FAILED:
            self.public.add(item.name)
        if result.error is None and not gzip:
            self.body, self.sent_at, self.is_stored = body, self.clock.now(), True
        return result

    def end(self) -> WxStaticStoreError | None:
        """Overwrite what may be public; return the error if this fails."""
        errors = {name: self._uploader.transfer(deletion(name)).error for name in self.public}
        self.public = {name for name, error in errors.items() if error}
        self.is_stored = self.is_served = False
        return next(filter(None, errors.values()), None)

    @property
    def age(self) -> float:
        """Seconds since the newest version was sent."""
        return self.clock.now() - self.sent_at

    @property
    def _uploader(self) -> Uploader:
        return Uploader(replace(self.store.options, deadline=self.timeout))

    def _item(self, body: bytes = b"") -> UploadItem:
        return UploadItem(self.name, lambda: BytesIO(body), len(body), cache_control=NO_CACHE)

    # --- the public site --------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return self.store.url(self.name)

    def get(self, url: str = "", **how: bool) -> Reply:
        """Return the answer of the file's address, or of another one; see `SiteClient.look`."""
        deadline, address = self._target.deadline(), url or self.url
        return run(
            lambda number: self.store.site.look(address, deadline=deadline, **how),
            max_attempts=self.store.options.max_attempts,
            deadline=deadline,
        )

    def serves(self, url: str = "", **how: bool) -> bool:
        """Return whether the address answers with the version that was sent last."""
        reply = self.get(url, **how)
        return reply.status == 200 and reply.body == self.body

    def until(self, done: Callable[[], bool], seconds: float) -> float | None:
        """Call `done` until it is true; return the seconds that this took, None if it never was."""
        started = self.clock.now()
        if done():
            return 0.0
        while (passed := self.clock.now() - started) < seconds:
            self.clock.sleep(min(max(0.2, passed / 10), seconds - passed))
            if done():
                return self.clock.now() - started
        return None


Look = Callable[[ProbeFile], Iterable[Finding]]
Ask = Callable[[CheckTarget], Iterator[Finding]]


def of_each(look: Look, *, served: bool = False, most: int | None = None) -> Ask:
    """Return a check of (`most`) probe files; with `served`, of those that the site serves."""

    def ask(target: CheckTarget) -> Iterator[Finding]:
        there: list[ProbeFile] = [file for file in target.probe_files.values() if file.is_stored]
        wanted = [file for file in there if file.is_served or not served][:most]
        files = {file.env: file for file in wanted}
        if not files:
            yield not_asked(_NOT_SERVED if there else NOTHING)
        yield from summed([*files], lambda env: look(files[env]), target)

    return ask


def summed(
    envs: Sequence[str], look: Callable[[str], Iterable[Finding]], target: CheckTarget
) -> Iterator[Finding]:
    """Yield the problems by environment, and one finding for all environments that are well."""
    deadline = Deadline.after(target.timeout * (PROBE_SHARE - 1))
    fine: dict[str, Finding] = {}
    for env in envs:
        if not deadline.left():
            yield not_asked(_LATE, data={"env": env, "late": True})
            break
        try:
            findings = [*look(env)]
        except WxStaticStoreError as error:
            findings = [of_error(error)]
        for found in findings:
            if found.mark is Mark.OK:
                fine[env] = found
            elif len(envs) == 1:
                yield found
            else:
                text = _("%(env)s: %(text)s", env=env, text=found.text)
                yield replace(found, text=text, data={"env": env, **found.data})
    if len(envs) > 1 and fine:
        counts = {"fine": len(fine), "all": len(envs)}
        text = _("It is well in %(fine)d of %(all)d environments.", **counts)
        yield ok(text, data={"envs": [*fine]})
    else:
        yield from fine.values()
