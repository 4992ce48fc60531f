"""One frozen `Options` for a store, and the check of each of its validators."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import Promise

from ..core.secrets import Secret
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _
from . import validators

STATIC, MEDIA = "static", "media"

Callback = Callable[[], str]

# What everybody with the permission may upload: nothing of it runs in a browser.
_EXTENSIONS = (
    "avif bmp gif heic heif ico jpeg jpg png tif tiff webp eot otf ttf woff woff2 "
    "aac flac m4a mp3 ogg opus wav weba avi m4v mov mp4 mpeg mpg ogv webm "
    "csv doc docx json md odp ods odt pdf ppt pptx srt tsv txt vtt xls xlsx zip"
)


@dataclass(frozen=True)
class Options:
    """What one store needs to know; the table of options in the README explains each."""

    kind: str = MEDIA
    env: str | Callback = ""
    location: str = ""
    base_url: str = ""
    url_prefix: str = ""  # an absolute STATIC_URL or MEDIA_URL: it includes the location
    file_overwrite: bool = False
    on_delete: str = "blank"
    keep_only_hashed: bool = False
    trust_log: bool = False
    cache_control: tuple[tuple[str, str], ...] = ()
    max_workers: int = 20
    api_concurrency: int | None = None
    max_attempts: int = 4
    deadline: float | None = None
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    progress: bool | None = None
    api_base_url: str = "https://api.weixin.qq.com"
    upload_hosts: tuple[str, ...] = (".myqcloud.com", ".tencentcos.cn")
    token_provider: str | Callable[..., Any] | None = None
    token_cache: str = "default"  # noqa: S105
    token_min_interval: float = 60.0
    access_token: Secret | None = None
    component_appid: str = ""
    component_appsecret: Secret | None = None
    verify_ticket: Secret | Callback | None = None
    callback_token: tuple[Secret, ...] = ()  # newest first
    callback_aes_key: tuple[Secret, ...] = ()
    callback_window: float = 300.0
    environments: Callable[[Any], Mapping[str, str]] | None = None
    upload_stores: tuple[str, ...] | None = None  # aliases; None: all of ours
    upload_location: str = "uploads/"
    upload_max_size: int = 300 * 2**20
    upload_extensions: tuple[str, ...] = tuple(_EXTENSIONS.split())
    upload_check: Callable[[Any, str, Any], None] | None = None

    def for_env(self, env: str | None) -> "Options":
        """The same store at another environment, whose address is then asked of WeChat."""
        if env is None or env == self.env:
            return self
        checked = clean({"env": env}, _("The environment asked for"))["env"]
        return replace(self, env=checked, base_url="", url_prefix="")

    def settled(self) -> "Options":
        """The same options at one environment: asks a callable `env`, in the caller's thread."""
        if not callable(self.env):
            return self
        try:
            env = self.env()
        except Exception as error:  # noqa: BLE001 -- a project's own function
            why = f"{type(error).__name__}: {error}"
            raise ConfigurationError(_("env failed (%(why)s)", why=why)) from None
        return self.for_env(env if isinstance(env, str) else "")

    @property
    def has_token_source(self) -> bool:
        return bool(self.token_provider or self.access_token or self.fetches_tokens)

    @property
    def fetches_tokens(self) -> bool:
        """Whether the platform's own credentials are used to fetch one."""
        own = self.token_provider or self.access_token
        return not own and bool(self.component_appid and self.component_appsecret)


# None stands for "not set" everywhere, as os.environ.get() gives it.
CHECKS: dict[str, Callable[[Any], Any]] = {
    "env": validators.env,
    "location": validators.location,
    "base_url": validators.url,
    "file_overwrite": validators.flag,
    "on_delete": validators.on_delete,
    "keep_only_hashed": validators.flag,
    "trust_log": validators.flag,
    "cache_control": validators.rules,
    "max_workers": validators.count,
    "api_concurrency": validators.count,
    "max_attempts": validators.count,
    "deadline": validators.number,
    "connect_timeout": validators.number,
    "read_timeout": validators.number,
    "progress": validators.flag,
    "api_base_url": validators.api_url,
    "upload_hosts": validators.hosts,
    "token_provider": lambda value: value if callable(value) else validators.text(value),
    "token_cache": validators.text,
}
SETTINGS_ONLY: dict[str, Callable[[Any], Any]] = {
    "access_token": validators.secret,
    "component_appid": validators.text,
    "component_appsecret": validators.secret,
    "verify_ticket": lambda value: value if callable(value) else validators.secret(value),
    "token_min_interval": validators.interval,
    "callback_token": validators.tokens,
    "callback_aes_key": validators.aes_keys,
    "callback_window": validators.number,
    "environments": validators.function,
    "upload_stores": validators.aliases,
    "upload_location": validators.location,
    "upload_max_size": validators.size,
    "upload_extensions": validators.extensions,
    "upload_check": validators.function,
}


def clean(
    options: Mapping[str, Any], where: str | Promise, *, shown: Callable[[str], str] = str
) -> dict[str, Any]:
    """The checked values; raises ConfigurationError that names the first bad one, not its value."""
    checks = CHECKS | SETTINGS_ONLY
    checked, reason = {}, None
    for name, value in options.items():
        if value is None:
            continue
        try:
            checked[name] = checks[name](hashable(value))
        except (ValueError, TypeError) as error:
            reason = error.args[0]
        if reason:
            parts = {"where": where, "name": shown(name), "reason": reason}
            raise ConfigurationError(_("%(where)s: %(name)s %(reason)s", **parts))
    return checked


def hashable(value: Any) -> Any:
    """Lists and dictionaries as tuples, so that options can be a key."""
    value = tuple(value.items()) if isinstance(value, Mapping) else value
    if isinstance(value, list | tuple):
        return tuple(map(hashable, value))
    return value if value.__hash__ else ...  # no option takes that: its check says what it takes
