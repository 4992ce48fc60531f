"""The environments of the platform and of our settings, and their static hosting."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from ... import conf
from ...clients.platform import NORMAL
from ...clients.wechat import StaticStore
from ...conf.settings import nearest
from ...exceptions import ConfigurationError, WeChatRefused, WxStaticStoreError
from ...i18n import gettext_lazy as _, listed, shown
from ...upload.hosting import Hostings
from ...upload.workers import WorkerPool
from .findings import NONE_LEFT, Finding, Mark, Text, explained, of_error, ok, warning, wrong
from .quota import of_call
from .target import FOLDER, CheckTarget

Described = StaticStore | WxStaticStoreError | None

LONGEST = 500  # entries that describeenvs is known to list
SHOWN = 5  # names in a text
DEFAULT_DOMAIN = ".tcloudbaseapp.com"


# --- which there are ----------------------------------------------------------------------------


def check_listed(target: CheckTarget) -> Iterator[Finding]:
    try:
        count = len(target.environments)
    except WxStaticStoreError as error:
        yield of_error(error)
        return
    data = {"environments": count}
    if not count:
        yield wrong(_("The platform has no environment."), data=data)
    elif count > LONGEST:
        text = _("WeChat lists %(count)d environments, and may leave out others.", count=count)
        hint = _("No limit of this list is documented: compare the number with the console's.")
        yield warning(text, hint=hint, data=data)
    else:
        yield ok(_("Environments of the platform: %(count)d.", count=count), data=data)


# --- whether they are those that we know ---------------------------------------------------------


def check_known(target: CheckTarget) -> Iterator[Finding]:
    there = target.environments
    missing = [env for env in target.envs if env not in there]
    target.unusable.update(missing)
    for env in missing:
        yield _unknown(_("The platform has no environment %(env)s.", env=env), env, target)
    offered: Mapping[str, object] | None = None
    function = conf.platform_options().environments
    # of_platform() asks the cache for what WeChat listed, another function may ask the database.
    if function and not (target.cache_is_away or target.database_is_away):
        try:
            offered = conf.offers()
        except ConfigurationError as error:
            yield explained(target, "database.tables") or of_error(error)
    for env in offered or ():
        if env not in there and env not in missing:
            text = _("ENVIRONMENTS offers %(env)s, which the platform does not have.", env=env)
            yield _unknown(text, env, target)
    others = [env for env in there if offered is not None and env not in offered]
    # No other check asks these: a function of ENVIRONMENTS may offer only ready ones.
    for env in [*there] if function and offered is None else others:
        status = target.environments[env].status
        if status != NORMAL and env not in target.envs:
            own = any(options.settled().env == env for options in target.stores.values())
            yield replace(_not_ready(env, status), mark=Mark.WRONG if own else Mark.WARNING)
    if target.usable_envs:
        yield _agreed(target, others, [*(there if offered is None else offered)])


def _unknown(text: Text, env: str, target: CheckTarget) -> Finding:
    """Return a finding that names the nearest existing environment, and who uses the wrong one."""
    near = nearest(env, [*target.environments])
    users = [alias for alias, options in target.stores.items() if options.settled().env == env]
    hint = _("%(near)s It is set for: %(users)s.", near=near, users=listed(users))
    return wrong(text, hint=hint if users else near, data={"env": env, "stores": users})


def _agreed(target: CheckTarget, others: Sequence[str], offered: Sequence[str]) -> Finding:
    envs = target.usable_envs
    text: Text = _("The platform has: %(envs)s.", envs=listed(envs, SHOWN))
    if others:
        first = listed(map(shown, others), SHOWN)
        text = _("%(text)s ENVIRONMENTS does not offer: %(envs)s.", text=text, envs=first)
    known = len({*offered, *envs})
    data = {"environments": len(envs), "of": known, "not_offered": [*others]}
    return ok(text, data=data)


# --- whether they are ready ---------------------------------------------------------------------


def check_usable(target: CheckTarget) -> Iterator[Finding]:
    for env in target.usable_envs:
        if (status := target.environments[env].status) != NORMAL:
            target.unusable.add(env)
            yield _not_ready(env, status)
    envs = target.usable_envs
    text = _("Ready: %(envs)s.", envs=listed(envs, SHOWN))
    yield ok(text, data={"environments": len(envs)}) if envs else NONE_LEFT


def _not_ready(env: str, status: str) -> Finding:
    data = {"env": env, "status": status}
    if status == "HALTED":
        text = _("%(env)s is halted (HALTED): its quota is used up, or it is banned.", env=env)
        hint = _("Look at its package and its bills in the CloudBase console.")
    elif status == "UNAVAILABLE":
        text = _("%(env)s is not initialised (UNAVAILABLE).", env=env)
        hint = _("Wait some minutes, then ask again: describeenvs begins the initialisation.")
    else:
        text = _("%(env)s is not ready: its status is %(word)s.", env=env, word=shown(status))
        hint = _("Only NORMAL is ready. Wait some minutes, or look into the CloudBase console.")
    return wrong(text, hint=hint, data=data)


# --- their static hosting -----------------------------------------------------------------------

_OPEN = _("Open it in the CloudBase console, or by WeChat's call createstaticstore.")
_WAIT = _("Wait: it takes three to five minutes.")
_STATES: dict[str, tuple[Mark, Text, Text]] = {
    "init": (Mark.WARNING, _("it is being opened"), _WAIT),
    "process": (Mark.WARNING, _("it is being opened"), _WAIT),
    "offline": (Mark.WRONG, _("it is closed"), _OPEN),
    "destroying": (Mark.WRONG, _("it is being closed"), ""),
    "create_fail": (Mark.WRONG, _("it could not be opened"), ""),
    "destroy_fail": (Mark.WRONG, _("it could not be closed"), ""),
}
_NO_STORE = StaticStore("", "")
_UNKNOWN = (Mark.WARNING, _("its status is not a known one"), "")


def check_hosting(target: CheckTarget) -> Iterator[Finding]:
    domains: dict[str, str] = {}
    failures: dict[str, dict[str, WxStaticStoreError]] = defaultdict(dict)
    for env, answer in _described(target).items():
        if isinstance(answer, WxStaticStoreError):
            failures[str(of_error(answer).text)][env] = answer
            target.unusable.add(env)
            continue
        store = answer or _NO_STORE
        if found := _not_online(env, store):
            yield found
            if found.data["refuses_uploads"]:
                target.unusable.add(env)
        else:
            domains[env] = store.domain
            yield from _other_addresses(target, env, store.domain)
    for alike in failures.values():
        yield _failed(alike, target)
    if domains:
        sites = listed(map(shown, domains.values()), SHOWN)
        yield ok(_("Static hosting is open: %(sites)s.", sites=sites), data={"domains": domains})


def _described(target: CheckTarget) -> dict[str, Described]:
    """Describe the static hosting of each environment, all in the time of one check."""
    envs, end = target.usable_envs, target.deadline()

    def describe(env: str) -> tuple[str, Described]:
        try:
            return env, target.ask(target.wechat.describe, env, env=env, seconds=end.left())
        except WxStaticStoreError as error:
            return env, error

    with WorkerPool(target.options.max_workers) as pool:
        found = dict(pool.run(describe, envs))
    # The overview shows them, and asks nobody.
    hostings = Hostings(target.options)
    for env, answer in found.items():
        if not (target.cache_is_away or isinstance(answer, WxStaticStoreError)):
            hostings.keep(env, answer)
    return {env: found[env] for env in envs}


def _not_online(env: str, store: StaticStore) -> Finding | None:
    if not store.domain and store.status in ("", "online"):
        text = _("Static hosting of %(env)s: it was never opened.", env=env)
        return wrong(text, hint=_OPEN, data={"env": env, "refuses_uploads": True})
    if store.status == "online":
        return None
    mark, state, hint = _STATES.get(store.status, _UNKNOWN)
    data = {"env": env, "status": store.status, "refuses_uploads": store.status in _STATES}
    word = shown(store.status)
    text = _("Static hosting of %(env)s: %(state)s (%(word)s).", env=env, state=state, word=word)
    return Finding(mark, text, hint=hint, data=data)


def _other_addresses(target: CheckTarget, env: str, domain: str) -> Iterator[Finding]:
    # Only default domains can be compared: WeChat does not name custom ones.
    for alias, options in target.stores.items():
        address = options.base_url or options.url_prefix
        host = urlsplit(address).hostname or ""
        if options.settled().env == env and host.endswith(DEFAULT_DOMAIN) and host != domain:
            facts = {"alias": alias, "host": host, "env": env, "domain": domain}
            text = _("%(alias)s has the address %(host)s, but %(env)s has %(domain)s.", **facts)
            hint = _("Set base_url to https://%(domain)s/, or leave it out.", domain=domain)
            yield warning(text, hint=hint, data=facts)


def _failed(alike: Mapping[str, WxStaticStoreError], target: CheckTarget) -> Finding:
    """Return one finding for all environments that fail for the same reason."""
    envs, found = [*alike], of_call(next(iter(alike.values())), target)
    if found.mark is Mark.NOT_ASKED:
        return found
    first = listed(map(shown, envs), SHOWN)
    text = _("Static hosting of %(envs)s: %(why)s", envs=first, why=found.text)
    return replace(found, text=text, data={**found.data, "envs": envs})


# --- their files --------------------------------------------------------------------------------


def check_files(target: CheckTarget) -> Iterator[Finding]:
    env = target.usable_envs[0]  # whether WeChat lists at all, is of the platform
    folder = target.store(env).options.location + FOLDER
    try:
        target.ask(target.wechat.list_page, env, folder, "", env=env)
    except WxStaticStoreError as error:
        if isinstance(error, WeChatRefused):  # for a reason of the environment
            target.unusable.add(env)
        yield of_call(error, target)
    else:
        yield ok(_("WeChat lists the files of %(env)s.", env=env))
