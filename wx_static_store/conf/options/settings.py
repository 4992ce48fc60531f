"""The options that stand in ``WX_STATIC_STORE`` only."""

# ruff: noqa: RUF009 -- `option` makes a field

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...core.secrets import Secret
from . import validators
from .entries import Callback, Scope, option_of

# What everybody with the permission may upload: nothing of it runs in a browser.
_EXTENSIONS = (
    "avif bmp gif heic heif ico jpeg jpg png tif tiff webp eot otf ttf woff woff2 "
    "aac flac m4a mp3 ogg opus wav weba avi m4v mov mp4 mpeg mpg ogv webm "
    "csv doc docx json md odp ods odt pdf ppt pptx srt tsv txt vtt xls xlsx zip"
)

option = option_of(Scope.SETTINGS)


# An entry is read as one.
# fmt: off
@dataclass(frozen=True)
class SettingsOptions:
    api_rate: float | None = option(None, validators.rate,
        "Most calls a second to WeChat's API, of all processes together: they count in the cache "
        "``token_cache``. ``0.5`` is one call in two seconds. While the cache fails, each process "
        "keeps the rate for itself.",
        shown="no limit")
    token_min_interval: float = option(
        60.0, validators.interval, "Least number of seconds between two fetches of a token."
    )
    access_token: Secret | None = option(None, validators.secret,
        "A token that somebody else keeps fresh: for CI, and to try things out.",
        secret=True)
    component_appid: str = option("", validators.text,
        "Appid of your platform. Together with ``COMPONENT_APPSECRET`` it lets the app fetch the "
        "token.")
    component_appsecret: Secret | None = option(
        None, validators.secret, "Secret of your platform.", secret=True
    )
    verify_ticket: Secret | Callback | None = option(None, validators.ticket,
        "A function that returns the newest ticket, or its dotted path, or a text.",
        shown="the newest of ``wx_static_store.callback``", secret=True)
    callback_token: tuple[Secret, ...] = option((), validators.tokens,
        "``wx_static_store.callback``: token of the authorization event URL, or a list of tokens, "
        "the newest first.",
        secret=True)
    callback_aes_key: tuple[Secret, ...] = option((), validators.aes_keys,
        "``wx_static_store.callback``: AES key of the authorization event URL, or a list of keys, "
        "the newest first.",
        secret=True)
    callback_window: float = option(
        300.0, validators.number, "``wx_static_store.callback``: largest age of a push in seconds."
    )
    environments: Callable[[Any], Mapping[str, Any]] | None = option(None, validators.function,
        "A function, or its dotted path, from a user (``None``: a command) to the environments "
        "that are offered, ``{id: label}``. In place of a label there may be a dictionary, "
        '``{"label": "Tea House", "tags": ["ring/early"]}``. '
        "``wx_static_store.environments.of_platform`` offers what WeChat lists.")
    release_storage: str = option("", validators.text,
        "Alias of a private storage: deploys keep the bytes of each release there, for roll backs.",
        shown="none")
    upload_spool: str = option("", validators.text,
        "Alias of a private storage: the bytes of uploads through the admin and the API that did "
        "not end stored are kept there, so that *Upload again* has them.",
        shown="none")
    upload_spool_hours: int = option(48, validators.hours,
        "Hours after which ``wx_prune`` deletes what lies in ``UPLOAD_SPOOL``.")
    celery_queue: str = option("", validators.text,
        "Queue of Celery to which the tasks of rollouts are sent.",
        shown="what the project's own routes say")
    alerts: tuple[Callable[[Any], object], ...] = option((), validators.functions,
        "Functions, or their dotted paths, that are called with an ``Alert`` when a deployment or "
        "a rollout fails, and with what ``wx_alert`` finds. Ready made: ``send_mail`` and "
        "``send_wecom`` in ``wx_static_store.health.alerts``.",
        shown="none")
    alert_emails: tuple[str, ...] = option((), validators.emails,
        "``send_mail``: list of addresses to which alerts are mailed.",
        shown="none")
    alert_wecom_url: Secret | None = option(None, validators.webhook,
        "``send_wecom``: webhook of the robot in a WeCom group, with its key.",
        shown="none", secret=True)
    upload_stores: tuple[str, ...] | None = option(None, validators.aliases,
        "Aliases of ``STORAGES`` to which people may upload, in the admin or by the API.",
        shown="all")
    upload_location: str = option("uploads/", validators.location,
        "Folder below a store's ``location`` into which people upload. Elsewhere they need the "
        'permission ``replace_protected``. ``""`` opens the whole store.')
    upload_max_size: int = option(300 * 2**20, validators.size,
        "Largest size of an uploaded file in bytes, 5 GiB at most. Also set the maximum request "
        "size in the web server (nginx: ``client_max_body_size``).",
        shown="300 MiB")
    upload_extensions: tuple[str, ...] = option(tuple(_EXTENSIONS.split()), validators.extensions,
        "Extensions without the dot that need only the permission ``upload``. All other kinds, "
        "and always HTML, SVG, XML and scripts, need ``upload_active_content``.",
        shown="images, fonts, audio, video, documents, ``zip``")
    upload_check: Callable[[Any, str, Any], None] | None = option(None, validators.function,
        "A function ``(user, name, file)``, or its dotted path, that checks every uploaded file: "
        "a virus scanner, a check of SVG. Its ``ValidationError`` is shown to the user.")
    docs_url: str = option("", validators.url,
        "Address of these pages, such as ``https://docs.example.com/en/``. Hints and system checks "
        "end with an address below it; without it they name the page.")
