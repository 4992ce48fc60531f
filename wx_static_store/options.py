"""One frozen `Options` for a store, and what each of its values must be."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.module_loading import import_string

from .clients.links import is_loopback
from .exceptions import ConfigurationError
from .secrets import Secret
from .sources import LARGEST
from .texts import gettext_lazy as _

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


_ONE_TOKEN = _("must be a text without spaces, or a list of such texts, the newest first")
_ONE_KEY = _("must be a text of 43 letters and digits, or a list of such texts, the newest first")

# What a value must be: each function gives the clean value, or a ValueError that says why.


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(_("must be a text"))
    return value


def _env(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"\w+(\.\w+)+", value):  # no id has a dot
        value = _imported(value)
    if callable(value):
        return value
    if not (isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", value)):
        raise ValueError(
            _("must be the id of a cloud environment (letters, digits, hyphens), or a function")
        )
    return value


def _imported(path: str) -> Any:
    try:
        return import_string(path)
    except ImportError as error:
        text = _("is no function that can be imported: %(why)s", why=str(error))
        raise ValueError(text) from None


def _function(value: Any) -> Any:
    """A function, or its dotted path."""
    found = value if callable(value) else _imported(_text(value))
    if not callable(found):
        raise ValueError(_("must be a function, or the dotted path of one"))
    return found


def _location(value: Any) -> str:
    if value == "":
        return ""
    location = _text(value).removesuffix("/")
    if {"", ".", ".."} & {*location.split("/")} or "\\" in location or not location.isprintable():
        raise ValueError(_("must be a relative folder with forward slashes, without '.' and '..'"))
    return unicodedata.normalize("NFC", location) + "/"


def _url(value: Any) -> str:
    if not re.fullmatch(r"https?://[^\s?#\\@]+", _text(value)):
        raise ValueError(_("must be an absolute http(s) address without query"))
    return str(value).rstrip("/") + "/"


def _api_url(value: Any) -> str:
    url = _url(value).rstrip("/")
    if url.startswith("http://") and not is_loopback(url):
        raise ValueError(_("must be https: plain http is for an emulator on this machine"))
    return url


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(_("must be True or False"))
    return value


def _number(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and 0 < value <= 24 * 3600):  # a socket takes no more than 24 days
        raise ValueError(_("must be a number of seconds above 0, a day at most"))
    return float(value)


def _interval(value: Any) -> float:
    if _number(value) > 600:  # a token lives 7200 s: a longer one would be an outage at each end
        raise ValueError(_("must be 600 seconds at most"))
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 256:
        raise ValueError(_("must be a whole number from 1 to 256"))
    return value


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
        raise ValueError(_("must be a number of bytes from 1 to %(most)d", most=LARGEST))
    return value


def _extensions(value: Any) -> tuple[str, ...]:
    if isinstance(value, tuple) and all(re.fullmatch(r"\w+", str(one)) for one in value):
        return tuple(str(one).lower() for one in value)
    raise ValueError(_('must be a list of endings without the dot, as ["png", "pdf"]'))


def _rules(value: Any) -> tuple[tuple[str, str], ...]:
    rules = (("*", value),) if isinstance(value, str) else value
    with suppress(ValueError, TypeError):
        if all(isinstance(k, str) and re.fullmatch(r"[!-~][ -~]*", v) for k, v in rules):
            return tuple(rules)
    raise ValueError(_('must be a list of (pattern, value), as [("*.html", "no-cache")]'))


def _hosts(value: Any) -> tuple[str, ...]:
    hosts = tuple(value) if isinstance(value, list | tuple) else ()
    if not hosts or not all(re.fullmatch(r"\.?([a-z0-9-]+\.)+[a-z0-9-]+", str(h)) for h in hosts):
        raise ValueError(_('must be a list of hosts, or of domains as ".myqcloud.com"'))
    return tuple(map(str, hosts))


def _on_delete(value: Any) -> str:
    if value not in ("blank", "raise", "ignore"):
        raise ValueError(_("must be one of blank, raise, ignore"))
    return str(value)


def _secret(value: Any) -> Secret:
    if not (isinstance(value, Secret) and value.reveal()):
        raise ValueError(_("must be a text"))
    return value


def _secrets(form: str, what: str | Promise) -> Callable[[Any], tuple[Secret, ...]]:
    """One text, or a list of them while the old one is still in use: the newest first."""

    def check(value: Any) -> tuple[Secret, ...]:
        given = value if isinstance(value, tuple) else (value,)
        if not given or not all(
            isinstance(one, Secret) and re.fullmatch(form, str(one.reveal())) for one in given
        ):
            raise ValueError(what)
        return given

    return check


# None stands for "not set" everywhere, as os.environ.get() gives it.
CHECKS: dict[str, Callable[[Any], Any]] = {
    "env": _env,
    "location": _location,
    "base_url": _url,
    "file_overwrite": _flag,
    "on_delete": _on_delete,
    "keep_only_hashed": _flag,
    "cache_control": _rules,
    "max_workers": _count,
    "api_concurrency": _count,
    "max_attempts": _count,
    "deadline": _number,
    "connect_timeout": _number,
    "read_timeout": _number,
    "progress": _flag,
    "api_base_url": _api_url,
    "upload_hosts": _hosts,
    "token_provider": lambda value: value if callable(value) else _text(value),
    "token_cache": _text,
}
SETTINGS_ONLY: dict[str, Callable[[Any], Any]] = {
    "access_token": _secret,
    "component_appid": _text,
    "component_appsecret": _secret,
    "verify_ticket": lambda value: value if callable(value) else _secret(value),
    "token_min_interval": _interval,
    "callback_token": _secrets(r"[!-~]+", _ONE_TOKEN),
    "callback_aes_key": _secrets(r"[A-Za-z0-9+/]{43}", _ONE_KEY),
    "callback_window": _number,
    "environments": _function,
    "upload_location": _location,
    "upload_max_size": _size,
    "upload_extensions": _extensions,
    "upload_check": _function,
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
