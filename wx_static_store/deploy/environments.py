"""Deploy a built site to one environment, or to many in turn."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from django.core.management.base import CommandError

from ..clients.platform import PlatformClient, Quota
from ..clients.tokens import current_token
from ..clients.wechat import LINKS
from ..conf import aliases, options_for, stores
from ..conf.options import STATIC, Options
from ..core import interrupts
from ..core.retry import Deadline
from ..core.types import RemoteFile, UploadContext, UploadItem, UploadResult
from ..exceptions import TokenError, TransportError, WxStaticStoreError
from ..i18n import english, gettext as _, joined, labelled, listed, ngettext, shown
from ..models import Release
from ..upload.as_sent import PREVIEW_STORE
from ..upload.platform import platform_for
from ..upload.recorder import Recorder, announce_deployment, finish_deployment
from ..upload.uploader import Uploader
from ..upload.workers import GRACE, WorkerPool
from .locks import DeployLock, DeployRunning, deploying
from .paths import path_notes
from .plan import Plan, hash_items, make_plan
from .publish import LINES, Publication
from .records import Records, leftover_files
from .report import CHANGED, EnvironmentReport, Report
from .verify import Mismatch, blank, find_stale, sweep, uploads_among, verify

FEW = 100  # links: for fewer, WeChat is not asked
PATIENCE = 5.0  # seconds for the one question
UNANSWERED = 3  # environments in a row: WeChat does not answer the others either

logger = logging.getLogger("wx_static_store.deploy")

Confirm = Callable[[str], bool]


@dataclass(frozen=True)
class Order:
    """The work at each environment; `last` is the file that makes the others live."""

    items: Sequence[UploadItem]
    context: UploadContext
    records: Records = field(default_factory=Records)
    last: UploadItem | None = None
    force: bool = False
    wait: bool = False
    seconds: float = math.inf  # the longest time of the deploy
    verify: bool = False
    stale: bool = False
    blank_stale: Confirm | None = None  # asks before stale files are overwritten
    include_uploads: bool = False  # files that people uploaded are stale, too
    replaced: Sequence[Release] | None = None  # stale are their other files; needs no list
    must_compare: bool = False  # leave it out if the cloud's list cannot be read
    on_held: Callable[[], object] = lambda: None  # called once the environment is held
    notes: Sequence[str] = ()  # on the files, for the report

    @property
    def prefix(self) -> str:
        """Return the folder below the store's location."""
        return self.records.prefix

    @property
    def everything(self) -> list[UploadItem]:
        return [*self.items, *filter(None, [self.last])]


Orders = Sequence[tuple[Uploader, Order]]  # one for each environment

STATICFILES = "staticfiles"  # the alias of collectstatic; its tree is STATIC_ROOT


def site_stores() -> list[str]:
    """Return the aliases of the stores for sites, without those of collectstatic and previews."""
    others = (STATICFILES, PREVIEW_STORE)
    return [one for one, (kind, _of) in stores().items() if kind == STATIC and one not in others]


def site_uploader(
    using: str, env: str | None = None, *, report_progress: bool = False, trust_log: bool = False
) -> Uploader:
    """Return the uploader for a run; `report_progress` prints lines without a terminal."""
    options = options_for(using).for_env(env)
    # A store that says PROGRESS = False stays silent.
    progress = True if report_progress and options.progress is None else options.progress
    trust_log = trust_log or options.trust_log
    return Uploader(replace(options, progress=progress, trust_log=trust_log))


def preview_of(uploader: Uploader, order: Order) -> Plan:
    """Return the plan of a deploy, the last file included."""
    with WorkerPool(uploader.options.max_workers) as pool:
        return make_plan(uploader, order.everything, pool=pool, force=order.force)


# --- the quota ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Allowance:
    """The number of links that a deploy needs, and WeChat's quota."""

    needed: int
    quota: Quota

    @property
    def missing(self) -> int:
        """Return the number of calls above today's quota; 0 if the quota is unknown."""
        return max(0, self.needed - self.quota.remain) if self.quota.daily_limit else 0

    @property
    def minutes(self) -> int:
        """Return the minutes that the rate needs at least; 0 if the rate is unknown."""
        calls = self.quota.calls
        periods = (self.needed - 1) // calls if self.needed and calls else 0
        return periods * self.quota.seconds // 60

    def doubts(self) -> Iterator[str]:
        """Yield a warning for each limit that is too low."""
        if self.missing:
            text = _(
                "Needed calls of staticuploadfile: %(needed)s. WeChat allows %(remain)s today."
            )
            yield text % {"needed": f"{self.needed:,}", "remain": f"{self.quota.remain:,}"}
        if self.minutes:
            yield ngettext(
                "WeChat allows %(calls)s calls in %(seconds)d seconds, so this takes %(count)d "
                "minute or more.",
                "WeChat allows %(calls)s calls in %(seconds)d seconds, so this takes %(count)d "
                "minutes or more.",
                self.minutes,
                calls=f"{self.quota.calls:,}",
                seconds=self.quota.seconds,
            )


def allowance(orders: Orders, plans: Sequence[Plan] = ()) -> Allowance:
    """Return the calls that the deploy of all environments needs, and WeChat's quota for many."""
    options = orders[0][0].options
    # A plan costs a list of the cloud, unless the log is trusted; none is made of what is live.
    if not (plans or options.trust_log):
        found = allowance_for(options, sum(len(order.everything) for _uploader, order in orders))
        if not (found.missing or found.minutes):
            return found
    plans = plans or [preview_of(*each) for each in orders if not _is_live(*each)]
    return allowance_for(options, sum(map(len, plans)))


def _is_live(uploader: Uploader, order: Order) -> bool:
    packed = order.records.pack(uploader, order.items, order.last)
    by_log = uploader.options.trust_log and not order.force
    return by_log and order.records.live(uploader, packed) is not None


def allowance_for(options: Options, needed: int) -> Allowance:
    """Return the needed links with WeChat's quota: empty for a few, or if it cannot be had."""
    if needed < FEW:
        return Allowance(needed, Quota())
    try:
        platform, deadline = platform_for(options), Deadline.after(PATIENCE)
        client = PlatformClient(platform.transport, options.api_base_url)

        def ask() -> Quota:
            # If it is refused, the deploy's first call reports it.
            token = current_token(platform.tokens)
            with platform.api_limiter.slot(deadline):
                return client.quota(token, LINKS, deadline=deadline)

        return Allowance(needed, platform.quota(LINKS, ask))
    except WxStaticStoreError as error:  # which stops no deploy
        logger.debug("WeChat's quota is not known: %s", english(error))
        return Allowance(needed, Quota())


# --- the deploy --------------------------------------------------------------------------------


def deploy_to_all(orders: Orders, *, canary: int = 0) -> Iterator[EnvironmentReport]:
    """
    Yield the report of each environment as it ends; a failed one does not stop the others.

    The first `canary` environments are verified; if one is not right, the others are skipped. An
    interruption ends the current deploy, skips the rest, and is raised after the last report.
    """
    workers = max((uploader.options.max_workers for uploader, _order in orders), default=1)
    reports: list[EnvironmentReport] = []
    with interrupts.held(), WorkerPool(workers) as pool:
        for number, (uploader, order) in enumerate(orders):
            if why := _why_not(reports, canary):
                report = EnvironmentReport(uploader.env, outcome="skipped", error=why)
            else:
                order_here = replace(order, verify=order.verify or number < canary)
                # Of many environments, the line of each is progress enough.
                lines = LINES // len(orders)
                report = _EnvironmentDeploy(uploader, order_here, pool, lines).run()
            report.canary = number < canary
            reports.append(report)
            yield report
        if any(report.outcome == "interrupted" for report in reports):
            raise KeyboardInterrupt


def _why_not(before: Sequence[EnvironmentReport], canary: int) -> str:
    if any(report.outcome == "interrupted" for report in before):
        return _("Not begun: the run was interrupted.")
    for report in before:
        # All share one token: without it, no other environment can succeed.
        if any(
            isinstance(one.error, TokenError) or (report.report.halted and one.stage == "token")
            for one in report.report.failures
        ):
            return _("Not begun: no token at %(env)s, and all share one.", env=report.env)
    last = [report for report in before if report.outcome != "skipped"][-UNANSWERED:]
    if len(last) == UNANSWERED and all(map(_is_unanswered, last)):
        envs = listed(report.env for report in last)
        return _("Not begun: WeChat did not answer for %(envs)s.", envs=envs)
    tried = before[:canary] if len(before) >= canary else []
    bad = [report.env for report in tried if not report.ok]
    return _("Not begun: the canary %(env)s is not right.", env=bad[0]) if bad else ""


def _is_unanswered(report: EnvironmentReport) -> bool:
    """Return whether WeChat gave no link, not even a refusal; COS may differ by environment."""
    failures = report.report.failures
    gone = (isinstance(one.error, TransportError) and one.stage == "link" for one in failures)
    return bool(failures) and not report.report.stored and all(gone)


def may_be_stale(uploader: Uploader, order: Order) -> dict[str, RemoteFile]:
    """Return the files that may be stale: by the cloud's list, or of the `replaced` releases."""
    if order.replaced is None or order.stale:
        return sweep(uploader, order.prefix)
    # Before blanking, the list says which files exist: rows of the log may be missing.
    cloud = sweep(uploader, order.prefix) if order.blank_stale else None
    return leftover_files(uploader, order.replaced, order.everything, order.prefix, cloud)


def other_locations(folder: str) -> tuple[str, ...]:
    """Return the locations of stores below this folder: files there are theirs."""
    locations = {options_for(alias).location for alias in aliases()}
    return tuple(one for one in locations if one.startswith(folder) and one != folder)


def stale_files(
    uploader: Uploader, order: Order, cloud: Mapping[str, RemoteFile]
) -> tuple[list[RemoteFile], list[RemoteFile]]:
    """Return what only the cloud has, without files of other stores; then what people uploaded."""
    others = other_locations(uploader.options.location + order.prefix)
    found = find_stale(cloud, order.everything, uploader)
    mine = [file for file in found if not file.key.startswith(others)]
    if order.include_uploads:
        return mine, []
    certain = order.blank_stale is not None
    uploads = uploads_among(uploader.env, [file.key for file in mine], certain=certain)
    return (
        [file for file in mine if file.key not in uploads],
        [file for file in mine if file.key in uploads],
    )


def _question(env: str, files: Sequence[RemoteFile]) -> str:
    # The folders are named, so that people notice an unexpected one.
    folders = Counter(file.key.rpartition("/")[0] or _("the root") for file in files)
    most = joined(labelled(shown(folder), number) for folder, number in folders.most_common(5))
    return ngettext(
        "Overwrite %(count)d stale file of %(env)s for good (%(folders)s)?",
        "Overwrite %(count)d stale files of %(env)s for good (%(folders)s)?",
        len(files),
        env=env,
        folders=most,
    )


class _EnvironmentDeploy:
    """The deploy of one environment, with a report even if it breaks off."""

    def __init__(self, uploader: Uploader, order: Order, pool: WorkerPool, lines: int) -> None:
        self.uploader, self.order, self.pool, self.lines = uploader, order, pool, lines
        self.published = Report()
        self.report = EnvironmentReport(uploader.env, outcome="failed", report=self.published)
        self.report.notes += order.notes

    def run(self) -> EnvironmentReport:
        started, report, order = time.monotonic(), self.report, self.order
        address = self.pool.submit(self.uploader.store.address, order.prefix)
        try:
            with deploying(self.uploader, wait=order.wait, seconds=order.seconds) as lock:
                self._deploy(lock)
        except KeyboardInterrupt:
            report.outcome = "interrupted"
        except DeployRunning as error:
            report.outcome, report.error = "skipped", str(error)
        except (WxStaticStoreError, CommandError) as error:
            report.outcome, report.error, report.cause = "failed", str(error), error
        if report.outcome != "skipped":
            ok, published = report.outcome == "done", self.published
            announce_deployment(report.env, published.deployment_id, ok=ok, logged=published.logged)
        report.seconds = time.monotonic() - started
        if report.outcome == "done":
            with suppress(TimeoutError):
                report.address = address.result(GRACE)
        return report

    def _deploy(self, lock: DeployLock) -> None:
        order, uploader, report = self.order, self.uploader, self.report
        order.on_held()
        last = hash_items([order.last])[0] if order.last else None
        how = {"force": order.force, "verify": order.verify}
        plan, columns = order.records.plan(uploader, order.items, last, self.pool, **how)
        if order.must_compare and not plan.compared:
            text = _("Nothing was repaired, as the cloud could not be compared.")
            report.outcome, report.error = "skipped", "\n".join([text, *plan.notes])
            return
        report.release = columns["release"].digest if columns["release"] else ""
        Publication(
            uploader,
            plan,
            order.context,
            lock,
            last=(lambda: last) if last else None,
            columns=columns,
            always=True,
            report=self.published,
            lines=self.lines,
        ).run(self.pool)
        report.findings = [Mismatch(key, str(CHANGED)) for key in self.published.changed]
        if self.published.ok:
            self._check([*plan.sent, *plan.unchanged, *filter(None, [last])])
            whole = self.published.ok and not report.findings
            report.outcome = "done" if whole else "failed"

    def _check(self, sent: Sequence[UploadItem]) -> None:
        """Verify what is public, and look for stale files, as far as it is ordered."""
        order, uploader, report = self.order, self.uploader, self.report
        deployment = self.published.deployment_id
        if order.verify:
            # Until it is: the list may fail, or this process be killed.
            finish_deployment(deployment, checked="not_compared")
        cloud = sweep(uploader, order.prefix) if order.verify or order.stale else {}
        if order.verify:
            report.verified = verify(uploader, sent, cloud, self.pool)
            report.findings += report.verified.mismatches
            notes = path_notes(uploader.store, order.everything, order.prefix)
            report.notes += [*report.verified.notes, *notes]
            finish_deployment(deployment, checked="mismatched" if report.findings else "ok")
        if order.stale or order.replaced:
            seen = cloud if order.stale else may_be_stale(uploader, order)
            report.stale, report.uploads = stale_files(uploader, order, seen)
            self._blank()

    def _blank(self) -> None:
        order, report, ask = self.order, self.report, self.order.blank_stale
        if not (report.stale and ask and ask(_question(report.env, report.stale))):
            return
        # Somebody may have uploaded since it was asked.
        if not order.include_uploads:
            new = uploads_among(report.env, [file.key for file in report.stale], certain=True)
            report.uploads += [file for file in report.stale if file.key in new]
            report.stale = [file for file in report.stale if file.key not in new]
        results, deployment = list[UploadResult](), self.published.deployment_id
        recorder = Recorder(replace(order.context, deployment_id=deployment))
        # If it is killed from now on, rows are missing, so the log must not be trusted.
        finish_deployment(deployment, outcome="running")
        try:
            held_back = blank(self.uploader, report.stale, recorder, self.pool, results.append)
            self.published.held_back += held_back
        except BaseException:
            self.published.broken_off = True
            raise
        finally:
            # An interruption is reported, too.
            self.published.logged &= recorder.close()
            self.published.failures += (result for result in results if result.error)
            gone = {result.key for result in results if not result.error}
            report.blanked = len(gone)
            report.stale = [file for file in report.stale if file.key not in gone]
            outcome = "done" if self.published.ok else "failed"
            logged = self.published.logged
            finish_deployment(deployment, outcome=outcome if logged else "incomplete")
