"""One built site to one environment, or the same to many of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from django.core.management.base import CommandError

from . import pool, recorders
from .conf import aliases, options_for
from .deploy import Report, publishing
from .exceptions import WxStaticStoreError
from .locks import DeployRunning, deploying
from .options import STATIC
from .plan import Plan, hash_items, make_plan
from .summary import EnvironmentReport
from .texts import gettext as _, ngettext, shown
from .transfers import RemoteFile, UploadContext, UploadItem, UploadResult
from .uploader import Uploader
from .verify import Finding, blank, disproved, stale, sweep, verify

__all__ = [
    "Order",
    "address_of",
    "deploy_to_all",
    "plan_of",
    "site_uploader",
    "stale_files",
]

Confirm = Callable[[str], bool]


@dataclass(frozen=True)
class Order:
    """What is to be done at each environment; `last` is the file that makes the others live."""

    items: Sequence[UploadItem]
    context: UploadContext
    prefix: str = ""
    last: UploadItem | None = None
    force: bool = False
    wait: bool = False
    verify: bool = False
    stale: bool = False
    blank_stale: Confirm | None = None  # asks the question that shows the count

    @property
    def everything(self) -> list[UploadItem]:
        return [*self.items, *filter(None, [self.last])]


def site_uploader(using: str, env: str | None = None, *, told: bool = False) -> Uploader:
    """
    A store's uploader that sends the headers of a site, whatever the store is for.

    `told` wants lines of progress where there is no terminal, if the store does not say otherwise.
    """
    options = options_for(using).for_env(env)
    progress = True if told and options.progress is None else options.progress
    return Uploader(replace(options, kind=STATIC, progress=progress))


def plan_of(uploader: Uploader, order: Order) -> Plan:
    also = [order.last.name] if order.last else []
    return make_plan(uploader, order.items, also=also, force=order.force)


def deploy_to_all(
    uploaders: Sequence[Uploader], order: Order, *, canary: int = 0
) -> Iterator[EnvironmentReport]:
    """
    The report of each environment as it ends; a failing one does not stop the others.

    The first `canary` of them are verified, and the others are left alone if one is not right.
    Each of the others may begin while the last files of the one before it are under way, unless
    there is something to wait for or to ask. An interruption ends what is under way, leaves out
    the rest, and is raised when all is told.
    """
    together = not (order.wait or order.blank_stale)
    workers = max((uploader.options.max_workers for uploader in uploaders), default=1)
    with pool.Crew(workers, one_cpu=True) as crew, ExitStack() as stack:
        runs = [
            _Run(uploader, replace(order, verify=order.verify or number < canary), crew)
            for number, uploader in enumerate(uploaders)
        ]
        for run in runs:
            stack.callback(run.steps.close)
        stack.callback(crew.stop)  # this comes first
        for number, (run, after) in enumerate(zip(runs, [*runs[1:], None], strict=True)):
            if not run.begun and (why := _not_now(runs[:number], canary)):
                run.outcome, run.error = "skipped", why
            else:
                alone = number < canary or not together
                _drive(run, None if alone else after)
            yield run.told()
        crew.heed()


def _not_now(before: Sequence[_Run], canary: int) -> str:
    if before and before[0].crew.stopped:
        return _("Not begun: the run was interrupted.")
    tried = before[:canary] if len(before) >= canary else []
    bad = [run.uploader.env for run in tried if not run.told().ok]
    return _("Not begun: the canary %(env)s is not right.", env=bad[0]) if bad else ""


def _drive(run: _Run, after: _Run | None) -> None:
    """To its end; the one `after` it begins as soon as workers would have nothing to do."""
    if run.surprise:
        raise run.surprise
    try:
        for _step in run.steps:
            if after and not after.begun and run.crew.has_room:
                after.begin()
    except KeyboardInterrupt:  # here, between two steps: it is heard at the next one
        run.crew.stop()
        for _step in run.steps:
            pass


def stale_files(
    uploader: Uploader, order: Order, cloud: Mapping[str, RemoteFile]
) -> list[RemoteFile]:
    """What the cloud has and the tree has not, without what other stores of the project keep."""
    others = _other_locations(uploader.options.location + order.prefix)
    found = stale(cloud, order.everything, uploader)
    return [file for file in found if not file.key.startswith(others)]


def _other_locations(folder: str) -> tuple[str, ...]:
    """Folders of other stores in the one that is deployed, at any environment: media, say."""
    locations = {options_for(alias).location for alias in aliases()}
    return tuple(one for one in locations if one.startswith(folder) and one != folder)


def _question(env: str, files: Sequence[RemoteFile]) -> str:
    """With the folders that it is about: one that nobody expected here is a warning."""
    folders = Counter(file.key.rpartition("/")[0] or _("the root") for file in files)
    most = ", ".join(f"{shown(folder)}: {number}" for folder, number in folders.most_common(5))
    return ngettext(
        "Overwrite %(count)d stale file of %(env)s for good (%(folders)s)?",
        "Overwrite %(count)d stale files of %(env)s for good (%(folders)s)?",
        len(files),
        env=env,
        folders=most,
    )


def address_of(uploader: Uploader, prefix: str) -> str:
    """The public address; empty where nobody can tell it now."""
    try:
        return uploader.store.url(prefix)
    except WxStaticStoreError:
        return ""


@dataclass
class _Run:
    """One environment's part, in steps, and told even if it broke off."""

    uploader: Uploader
    order: Order
    crew: pool.Crew
    begun: bool = False
    surprise: Exception | None = None  # at the beginning, while another was under way
    seconds: float = 0.0
    outcome: str = "failed"
    error: str = ""
    address: str = ""  # once it is known
    report: Report = field(default_factory=Report)
    findings: list[Finding] = field(default_factory=list)
    stale: Sequence[RemoteFile] = ()
    blanked: int = 0

    def __post_init__(self) -> None:
        self.steps = self._steps()

    def begin(self) -> None:
        """Only so far that nothing is waited for."""
        try:
            next(self.steps, None)
        except Exception as error:  # noqa: BLE001 -- it is raised when its turn comes
            self.surprise = error

    def _steps(self) -> Generator[None, None, None]:
        self.begun, started = True, time.monotonic()
        try:
            with deploying(self.uploader, wait=self.order.wait):
                yield from self._go()
        except KeyboardInterrupt:
            self.outcome = "interrupted"
            self.crew.stop()  # also what another environment has under way
        except DeployRunning as error:
            self.outcome, self.error = "skipped", str(error)
        except (WxStaticStoreError, CommandError) as error:
            self.outcome, self.error = "failed", str(error)
        self.seconds = time.monotonic() - started
        if self.told().outcome != "done":  # whatever came after the publishing
            recorders.finish_deployment(self.report.deployment_id, outcome="failed")

    def _go(self) -> Iterator[None]:
        order, uploader = self.order, self.uploader
        last = order.last
        with pool.beside(self._ask_address):
            yield from publishing(
                uploader,
                plan_of(uploader, order),
                order.context,
                crew=self.crew,
                report=self.report,
                last=(lambda: last) if last else None,
                release=True,
            )
            yield  # where nothing is to be sent this is the first step
        if not self.report.ok:
            return
        if looks := order.verify or order.stale:
            self.crew.heed()  # after an interruption of the other one this is not begun any more
        cloud = sweep(uploader, order.prefix) if looks else {}
        what = _("the file here changed while it was sent: run it again")
        self.findings = [Finding(key, what) for key in self.report.changed]
        if order.verify:
            here = hash_items(order.everything)  # what is not hashed yet
            self.findings += verify(uploader, here, cloud=cloud, crew=self.crew)
            recorders.record(disproved(uploader, here, cloud), self._context)
        if order.stale:
            self.stale = stale_files(uploader, order, cloud)
            self._blank()
        self.outcome = "failed" if self.findings else "done"

    @property
    def _context(self) -> UploadContext:
        return replace(self.order.context, deployment_id=self.report.deployment_id)

    def _ask_address(self) -> None:
        self.address = address_of(self.uploader, self.order.prefix)

    def _blank(self) -> None:
        if not (self.stale and self.order.blank_stale):
            return
        if not self.order.blank_stale(_question(self.uploader.env, self.stale)):
            return
        results: dict[str, UploadResult] = {}
        try:
            for result in blank(self.uploader, self.stale, self._context):
                results[result.key] = result
        finally:  # also of what was done when it is interrupted
            results |= {result.key: result for result in self.uploader.finished}
            gone = {key for key, result in results.items() if not result.error}
            self.report.failures += [result for result in results.values() if result.error]
            self.blanked = len(gone)
            self.stale = [file for file in self.stale if file.key not in gone]

    def told(self) -> EnvironmentReport:
        return EnvironmentReport(
            self.uploader.env,
            address=self.address if self.outcome == "done" else "",
            outcome=self.outcome if self.report.ok or self.outcome != "done" else "failed",
            report=self.report if self.begun else None,
            error=self.error,
            findings=self.findings,
            stale=self.stale,
            blanked=self.blanked,
            seconds=self.seconds,
        )
