"""Each option in one entry: its scope, its check, and its sentence for the docs."""

# ruff: noqa: RUF009 -- `_option` makes a field

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any

from ...core.secrets import Secret
from . import validators

STATIC, MEDIA = "static", "media"

Callback = Callable[[], str]

# What everybody with the permission may upload: nothing of it runs in a browser.
_EXTENSIONS = (
    "avif bmp gif heic heif ico jpeg jpg png tif tiff webp eot otf ttf woff woff2 "
    "aac flac m4a mp3 ogg opus wav weba avi m4v mov mp4 mpeg mpg ogv webm "
    "csv doc docx json md odp ods odt pdf ppt pptx srt tsv txt vtt xls xlsx zip"
)


class Scope(Enum):
    """Say which stores have an option in common; each value is the scope's name in the docs."""

    STORE = "store"
    PLATFORM = "platform"  # stores with equal values share connections and the token
    SETTINGS = "settings only"  # in WX_STATIC_STORE, never in OPTIONS


@dataclass(frozen=True)
class Option:
    """Describe one option; the table in the docs is made of it, its Chinese is in docs/locale."""

    scope: Scope
    check: Callable[[Any], Any]
    sentence: str
    shown: str = ""  # the default in words, if it is not the value
    secret: bool = False


def _option(
    scope: Scope, default: Any, check: Callable[[Any], Any], sentence: str, **more: Any
) -> Any:
    """Make a field of this scope."""
    entry = Option(scope, check, sentence, **more)
    return field(default=default, repr=not entry.secret, metadata={"option": entry})


in_store, in_platform, in_settings = (partial(_option, scope) for scope in Scope)


# An entry is read as one.
# fmt: off
@dataclass(frozen=True)
class Entries:
    # Of one store: ``OPTIONS`` of its entry in ``STORAGES``, or ``WX_STATIC_STORE``.
    kind: str = MEDIA
    env: str | Callback = in_store("", validators.env,
        "Id of the cloud environment; or a function that returns it for each operation, or its "
        "dotted path. In ``OPTIONS`` write the path: packages such as Wagtail save the options of "
        "a storage as JSON.",
        shown="required")
    location: str = in_store(
        "", validators.location, "Folder in the environment; it comes before every name."
    )
    base_url: str = in_store("", validators.url,
        "Public address of the site. The address of a file is ``base_url`` + ``location`` + name. "
        "An absolute ``STATIC_URL`` or ``MEDIA_URL`` replaces ``base_url`` and ``location``.",
        shown="asked of WeChat")
    url_prefix: str = ""  # an absolute STATIC_URL or MEDIA_URL: it includes the location
    file_overwrite: bool = in_store(False, validators.flag,
        "``WxStorage``: whether a save may replace a file. It then makes two calls, else three. If "
        "``token_cache`` is shared, two saves of one name at the same time get two names.")
    on_delete: str = in_store("blank", validators.on_delete,
        "``WxStorage``: ``blank`` overwrites a deleted file with a short text, ``raise`` refuses "
        "to delete, ``ignore`` leaves the file public.")
    wait: str = in_store("never", validators.wait,
        "``WxStorage``: whether a file may wait in ``WAITING_STORAGE`` until ``wx_push`` sends it. "
        "``outage``: if WeChat, COS or the token is away; ``always``: each save, which then makes "
        "no call; ``never``: the save fails. Let ``wx_push`` send all before you set it back.")
    keep_only_hashed: bool = in_store(False, validators.flag,
        "Manifest storage: publish only the names with a hash, which halves the objects. Pages "
        "that are made with ``DEBUG = True`` then lack their files.")
    trust_log: bool = in_store(False, validators.flag,
        "A deploy decides by the log alone what changed. An unchanged tree then costs no call. It "
        "misses files that somebody else wrote: ``wx_reconcile --fix`` finds them.")
    cache_control: tuple[tuple[str, str], ...] = in_store((), validators.rules,
        'List of (pattern, value), such as ``[("*.html", "no-cache")]``. The first match wins.',
        shown="hashed static files a year, static HTML ``no-cache``, all else five minutes")
    compress: str = in_store("off", validators.compress,
        "``gzip``: deploys and ``collectstatic`` send texts, SVG and WebAssembly above 1 KiB as "
        "gzip if this saves a tenth or more, once ``wx_doctor --probe`` has seen that the site "
        "takes it. Files that are saved or uploaded stay plain.")
    max_attempts: int = in_store(
        4, validators.count, "Tries for one file. Each try asks for a new link."
    )
    deadline: float | None = in_store(None, validators.number,
        "Seconds for one file, all tries together, and one for each MiB (for each 200 KiB in a "
        "batch). Waiting for a free slot takes as long again at most, in a batch without limit.",
        shown="25, or 300 in a batch")
    progress: bool | None = in_store(None, validators.flag,
        "A bar on a terminal (extra ``progress``, else plain lines). ``True``: also where there "
        "is no terminal. ``False``: never.",
        shown="on a terminal")

    # Of a platform: stores with equal values share connections and the token.
    max_workers: int = in_platform(20, validators.count,
        "Number of files that are sent at the same time. 1 is serial; more than 64 brings nothing.")
    api_concurrency: int | None = in_platform(None, validators.count,
        "Most calls in flight at WeChat's API. A throttle (45011, -501003, -501004) halves them "
        "for a time, in all processes that share ``token_cache``. The ``SlowDown`` of COS halves "
        "the PUTs of the process.",
        shown="``max_workers``")
    connect_timeout: float = in_platform(10.0, validators.number, "Seconds to connect.")
    read_timeout: float = in_platform(60.0, validators.number,
        "Seconds to wait for an answer, or for the other side to take a block of the body.")
    api_base_url: str = in_platform("https://api.weixin.qq.com", validators.api_url,
        "Address of WeChat's API. Plain http is allowed on this machine only: for the emulator.")
    upload_hosts: tuple[str, ...] = in_platform(
        (".myqcloud.com", ".tencentcos.cn"), validators.hosts,
        "Hosts, or domains with a leading dot, to which a signed link may point.")
    token_provider: str | Callable[..., Any] | None = in_platform(
        None, lambda value: value if callable(value) else validators.text(value),
        "A function that returns the token, or a class with ``get()`` and ``invalidate(token)``; "
        "or the dotted path of one.")
    token_cache: str = in_platform(
        "default", validators.text, "Alias of a cache that all processes share (Redis, Memcached)."
    )

    # In ``WX_STATIC_STORE`` only.
    api_rate: float | None = in_settings(None, validators.rate,
        "Most calls a second to WeChat's API, of all processes that share ``token_cache``. "
        "``0.5`` is one call in two seconds. While the cache fails, each process keeps the rate "
        "for itself.",
        shown="no limit")
    token_min_interval: float = in_settings(
        60.0, validators.interval, "Least number of seconds between two fetches of a token."
    )
    access_token: Secret | None = in_settings(None, validators.secret,
        "A token that somebody else keeps fresh: for CI, and to try things out.",
        secret=True)
    component_appid: str = in_settings("", validators.text,
        "Appid of your platform. Together with ``COMPONENT_APPSECRET`` it lets the app fetch the "
        "token.")
    component_appsecret: Secret | None = in_settings(
        None, validators.secret, "Secret of your platform.", secret=True
    )
    verify_ticket: Secret | Callback | None = in_settings(None, validators.ticket,
        "A function that returns the newest ticket, or its dotted path, or a text.",
        shown="the newest of ``wx_static_store.callback``", secret=True)
    callback_token: tuple[Secret, ...] = in_settings((), validators.tokens,
        "``wx_static_store.callback``: token of the authorization event URL, or a list of tokens, "
        "the newest first.",
        secret=True)
    callback_aes_key: tuple[Secret, ...] = in_settings((), validators.aes_keys,
        "``wx_static_store.callback``: AES key of the authorization event URL, or a list of keys, "
        "the newest first.",
        secret=True)
    callback_window: float = in_settings(
        300.0, validators.number, "``wx_static_store.callback``: largest age of a push in seconds."
    )
    environments: Callable[[Any], Mapping[str, Any]] | None = in_settings(None, validators.function,
        "A function, or its dotted path, that returns the environments offered to a user "
        "(``None``: a command), as ``{id: label}``. A label may be a dictionary, "
        '``{"label": "Tea House", "tags": ["ring/early"]}``. '
        "``wx_static_store.environments.of_platform`` offers what WeChat lists.")
    release_storage: str = in_settings("", validators.text,
        "Alias of a private storage: deploys keep the bytes of each release there, for roll backs.",
        shown="none")
    waiting_storage: str = in_settings("", validators.text,
        "Alias of a private storage for the bytes of files that wait (option ``wait``), and of "
        "failed uploads through the admin and the API. All machines that save, read or push must "
        "reach it: S3, COS or a shared disk. Give each database a folder of its own: ``wx_prune`` "
        "deletes bytes that its database does not name.",
        shown="none")
    waiting_hours: int = in_settings(48, validators.hours,
        "Hours after which ``wx_prune`` deletes the bytes in ``WAITING_STORAGE`` that belong to no "
        "file that waits, such as those of failed uploads.")
    celery_queue: str = in_settings("", validators.text,
        "Queue of Celery to which the tasks of rollouts are sent.",
        shown="what the project's own routes say")
    rollout_time_limit: float = in_settings(3600.0, validators.number,
        "Seconds for one environment of a rollout. Its deploy ends two minutes before, or at half "
        "the time if that is later. At the limit, Celery ends a worker process that still runs.")
    alerts: tuple[Callable[[Any], object], ...] = in_settings((), validators.functions,
        "Functions, or their dotted paths, that get an ``Alert`` when a deployment or a rollout "
        "fails, and for what ``wx_alert`` finds: ``send_mail`` and ``send_wecom`` in "
        "``wx_static_store.health.alerts``, or your own.",
        shown="none")
    alert_emails: tuple[str, ...] = in_settings((), validators.emails,
        "``send_mail``: list of addresses to which alerts are mailed.",
        shown="none")
    alert_wecom_url: Secret | None = in_settings(None, validators.webhook,
        "``send_wecom``: webhook of the robot in a WeCom group, with its key.",
        shown="none", secret=True)
    upload_stores: tuple[str, ...] | None = in_settings(None, validators.aliases,
        "Aliases of ``STORAGES`` to which people may upload, in the admin or by the API.",
        shown="all")
    upload_location: str = in_settings("uploads/", validators.location,
        "Folder below a store's ``location`` into which people upload. Elsewhere they need the "
        'permission ``replace_protected``. ``""`` opens the whole store.')
    upload_max_size: int = in_settings(300 * 2**20, validators.size,
        "Largest size of an uploaded file in bytes, 5 GiB at most. Also set the maximum request "
        "size in the web server (nginx: ``client_max_body_size``).",
        shown="300 MiB")
    upload_extensions: tuple[str, ...] = in_settings(
        tuple(_EXTENSIONS.split()), validators.extensions,
        "Extensions without the dot that need only the permission ``upload``. All other kinds, "
        "and always HTML, SVG, XML and scripts, need ``upload_active_content``.",
        shown="images, fonts, audio, video, documents, ``zip``")
    upload_check: Callable[[Any, str, Any], None] | None = in_settings(None, validators.function,
        "A function ``(user, name, file)``, or its dotted path, that checks every uploaded file: "
        "a virus scanner, a check of SVG. Its ``ValidationError`` is shown to the user.")
    docs_url: str = in_settings("", validators.url,
        "Address of these pages, such as ``https://docs.example.com/en/``. Hints and system checks "
        "end with an address below it; without it they name the page.")
