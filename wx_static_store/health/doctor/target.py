"""The target of the checks: a platform, its stores and environments, and its answers so far."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from time import time
from typing import Any, TypeVar

from ...clients.platform import Environment, PlatformClient
from ...clients.tokens import CallableToken
from ...clients.wechat import WeChatClient
from ...conf import Options, settings as conf
from ...core.retry import Deadline
from ...core.secrets import Secret
from ...exceptions import WxStaticStoreError
from ...upload.platform import Platform, platform_for
from ...upload.store import Store, store_for

T = TypeVar("T")

FOLDER = ".wx-doctor/"  # of a store's location: what the doctor publishes lies there
TIMEOUT = 10.0  # seconds for a check
PROBE_SHARE = 6  # times as long for a check that publishes, and waits for the CDN


class CheckTarget:
    """A platform under examination, by the store `using` or, without it, by all its stores."""

    def __init__(
        self,
        using: str = "",
        envs: Sequence[str] = (),
        *,
        probe: bool = False,
        timeout: float = TIMEOUT,
    ) -> None:
        # Answers are kept, so that an examination makes each call once.
        self.using, self.probe, self.timeout = using, probe, timeout
        self._envs = list(envs)  # to check; none: those of the stores
        self.learned: dict[str, dict[str, Any]] = defaultdict(dict)  # by subject; kept by --probe
        self.errcodes: dict[str, Any] = {}  # of the newest answer, by path
        self.probe_files: dict[str, Any] = {}  # by environment, of ProbeFile, which imports this
        self.unusable: set[str] = set()  # environments that failed a check: no later one asks them
        # Checks that were given up: what they ask hangs, and must not be asked again.
        self.timed_out: set[str] = set()
        # Of each check without an answer: the checks that are wrong, and to blame for it.
        self.causes: dict[str, tuple[str, ...]] = {}
        self.cache_fails = False  # a call of the shared cache raised an error
        self.database_fails = False  # it could not be asked: each question may cost a timeout
        self.buckets: set[str] = set()  # addresses at which COS itself answered
        self.began = time()

    def deadline(self) -> Deadline:
        return Deadline.after(self.timeout)

    def close(self) -> None:
        """Overwrite the files that an interrupted probe left public."""
        for probe_file in self.probe_files.values():
            probe_file.end()

    @property
    def cache_is_away(self) -> bool:
        # Each question to a cache that hangs or fails may cost a timeout.
        return self.cache_fails or "cache.works" in self.timed_out

    @property
    def database_is_away(self) -> bool:
        return self.database_fails or "database.tables" in self.timed_out

    # --- settings ---------------------------------------------------------------------------------

    @cached_property
    def stores(self) -> Mapping[str, Options]:
        """The examined stores by alias; raise ConfigurationError if there is none."""
        if self.using:
            return {self.using: conf.options_for(self.using)}
        return conf.all_options() or {"default": conf.options_for("default")}

    @property
    def options(self) -> Options:
        """The options of the store that asks the platform: `default`, or the first."""
        return self.stores.get("default") or next(iter(self.stores.values()))

    @cached_property
    def envs(self) -> list[str]:
        """The environments to check, each once."""
        own = (str(options.settled().env) for options in self.stores.values())
        return list(dict.fromkeys(self._envs or own))

    @property
    def usable_envs(self) -> list[str]:
        """The environments that no check has found unusable."""
        return [env for env in self.envs if env not in self.unusable]

    def store(self, env: str) -> Store:
        """Return the store at an environment: one configured for it, or the default moved there."""
        options = next((o for o in self.stores.values() if o.settled().env == env), self.options)
        return store_for(options.for_env(env))

    # --- the platform -----------------------------------------------------------------------------

    @cached_property
    def platform(self) -> Platform:
        return platform_for(self.options)

    def hold(self, token: Secret) -> None:
        # A cache that is away must not be read for it before each call.
        self.platform = replace(self.platform, tokens=CallableToken(token.reveal))

    @cached_property
    def wechat(self) -> WeChatClient:
        return WeChatClient(self.platform.transport, self.options.api_base_url, self._note_answer)

    @cached_property
    def console(self) -> PlatformClient:
        return PlatformClient(self.platform.transport, self.options.api_base_url, self._note_answer)

    def ask(
        self, call: Callable[..., T], *args: str, env: str = "", seconds: float | None = None
    ) -> T:
        """Make a call with a token that WeChat accepts; return its answer or raise its error."""
        deadline = self.deadline() if seconds is None else Deadline.after(seconds)
        attempts = self.options.max_attempts
        return self.platform.ask(call, *args, deadline=deadline, max_attempts=attempts, env=env)

    def _note_answer(self, path: str, answer: dict[str, Any], headers: Mapping[str, str]) -> None:
        # No other member: a value may be a secret.
        self.errcodes[path] = answer.get("errcode")

    @cached_property
    def environments(self) -> Mapping[str, Environment]:
        # The error of `describeenvs` is kept, too: the call is made once.
        if isinstance(self._environments, WxStaticStoreError):
            raise self._environments
        return {each.env: each for each in self._environments}

    @cached_property
    def _environments(self) -> tuple[Environment, ...] | WxStaticStoreError:
        try:
            return self.ask(self.console.environments)
        except WxStaticStoreError as error:
            return error
