"""Each option in one entry, and the frozen `Options` of a store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from django.utils.functional import Promise

from ..core.secrets import Secret
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _
from . import validators
from .entries import PLATFORM, SETTINGS, STORE, Option, option

STATIC, MEDIA = "static", "media"

Callback = Callable[[], str]

# What everybody with the permission may upload: nothing of it runs in a browser.
_EXTENSIONS = (
    "avif bmp gif heic heif ico jpeg jpg png tif tiff webp eot otf ttf woff woff2 "
    "aac flac m4a mp3 ogg opus wav weba avi m4v mov mp4 mpeg mpg ogv webm "
    "csv doc docx json md odp ods odt pdf ppt pptx srt tsv txt vtt xls xlsx zip"
)


# ruff: noqa: RUF009 -- `option` makes a field
# An entry is read as one.
# fmt: off
@dataclass(frozen=True)
class Options:
    """What one store needs to know. None stands for "not set", as os.environ.get() gives it."""

    kind: str = MEDIA
    env: str | Callback = option("", STORE, validators.env,
        "Id of the cloud environment; or a function that returns it, or the dotted path of one. "
        "The function is called for each operation, and WeChat is asked for the address of its "
        "environment. In ``OPTIONS`` write the path: some packages, such as Wagtail, save the "
        "options of a storage as JSON.",
        "云开发环境 ID；也可以是返回该 ID 的函数，或函数的点分路径。每次操作都会调用该函数，并向微"
        "信查询对应环境的地址。在 ``OPTIONS`` 中请写路径：有些包（例如 Wagtail）会把存储的选项保存"
        "为 JSON。",
        shown=("required", "必填"))
    location: str = option("", STORE, validators.location,
        "Folder in the environment; it comes before every name.",
        "环境中的文件夹，位于每个文件名之前。")
    base_url: str = option("", STORE, validators.url,
        "Public address of the site. The address of a file is ``base_url`` + ``location`` + name. "
        "An absolute ``STATIC_URL`` or ``MEDIA_URL`` replaces ``base_url`` and ``location`` "
        "together. Without any of them WeChat is asked once, and the cache keeps the answer.",
        "网站的公开地址。文件地址为 ``base_url`` + ``location`` + 文件名。绝对地址形式的 "
        "``STATIC_URL`` 或 ``MEDIA_URL`` 同时代替 ``base_url`` 和 ``location``。都未设置时向微信查"
        "询一次，结果保存在缓存中。",
        shown=("asked of WeChat", "向微信查询"))
    url_prefix: str = ""  # an absolute STATIC_URL or MEDIA_URL: it includes the location
    file_overwrite: bool = option(False, STORE, validators.flag,
        "``WxStorage``: whether a save may replace a file. A save makes three calls, or two with "
        "``True``. Two saves of one name at the same time get two names if the cache "
        "``token_cache`` is shared.",
        "``WxStorage``：保存时是否可以替换已有文件。一次保存需要三次调用，设为 ``True`` 时为两次。"
        "如果缓存 ``token_cache`` 为各进程共用，同时以同一名称保存的两个文件会得到两个名称。")
    on_delete: str = option("blank", STORE, validators.on_delete,
        "``WxStorage``: ``blank`` overwrites a deleted file with a short text, ``raise`` refuses "
        "to delete, ``ignore`` leaves the file public.",
        "``WxStorage``：``blank`` 用一小段文字覆盖被删除的文件，``raise`` 拒绝删除，``ignore`` 使"
        "文件继续公开。")
    keep_only_hashed: bool = option(False, STORE, validators.flag,
        "Manifest storage: publish only the names with a hash, which halves the objects. Pages "
        "that are made with ``DEBUG = True`` name the plain files, which are missing then.",
        "Manifest 存储：只发布带哈希的文件名，对象数量减半。以 ``DEBUG = True`` 生成的页面引用的是"
        "不带哈希的文件，此时这些文件不存在。")
    trust_log: bool = option(False, STORE, validators.flag,
        "A deploy decides by the log alone what changed. An unchanged tree then costs no call. "
        "Files that somebody else wrote and rows that were lost are not noticed: "
        "``wx_reconcile --fix`` finds them.",
        "部署时只根据上传日志判断哪些文件有变化。目录没有变化时不产生任何调用。他人写入的文件和丢"
        "失的日志记录不会被发现：请用 ``wx_reconcile --fix`` 查找。")
    cache_control: tuple[tuple[str, str], ...] = option((), STORE, validators.rules,
        'List of (pattern, value), such as ``[("*.html", "no-cache")]``. The first match wins.',
        '（模式，值）的列表，例如 ``[("*.html", "no-cache")]``。采用第一个匹配项。',
        shown=("hashed static files a year, static HTML ``no-cache``, all else five minutes",
            "带哈希的静态文件一年，静态 HTML 为 ``no-cache``，其余五分钟"))
    max_workers: int = option(20, PLATFORM, validators.count,
        "Number of files that are sent at the same time. 1 is serial; more than 64 brings nothing.",
        "同时发送的文件数。1 为逐个发送；超过 64 没有好处。")
    api_concurrency: int | None = option(None, PLATFORM, validators.count,
        "Most calls in flight at WeChat's API. After a throttle (45011, -501003, -501004) half as "
        "many run at once, in all processes that share ``token_cache``, then slowly more again. "
        "PUTs of the process are limited likewise after the ``SlowDown`` of COS.",
        "同时进行的微信 API 调用数上限。被限制频率（45011、-501003、-501004）后，共用 "
        "``token_cache`` 的所有进程都减半，再逐渐恢复。COS 返回 ``SlowDown`` 后，本进程的 PUT 请求"
        "以同样方式限制。",
        shown=("``max_workers``", "``max_workers``"))
    api_rate: float | None = option(None, SETTINGS, validators.rate,
        "Most calls a second to WeChat's API, of all processes together: they count in the cache "
        "``token_cache``. ``0.5`` is one call in two seconds. While the cache fails, each process "
        "keeps the rate for itself.",
        "所有进程合计每秒调用微信 API 的次数上限，在缓存 ``token_cache`` 中计数。``0.5`` 表示每两秒"
        "一次。缓存不可用时，各进程分别遵守该上限。",
        shown=("no limit", "不限制"))
    max_attempts: int = option(4, STORE, validators.count,
        "Tries for one file. Each try asks for a new link.",
        "单个文件的尝试次数。每次尝试都获取新的链接。")
    deadline: float | None = option(None, STORE, validators.number,
        "Seconds for one file, all tries together. A second for each MiB is added (for each 200 "
        "KiB in a batch). Waiting for a slot of the limiter is not counted, up to as long again.",
        "单个文件全部尝试的总秒数。每 MiB 另加一秒（批量时每 200 KiB 加一秒）。等待并发名额的时间"
        "不计入，但最长不超过同样的时长。",
        shown=("25, or 300 in a batch", "25，批量时为 300"))
    connect_timeout: float = option(10.0, PLATFORM, validators.number,
        "Seconds to connect.", "建立连接的秒数。")
    read_timeout: float = option(60.0, PLATFORM, validators.number,
        "Seconds to wait for an answer, or for the other side to take a block of the body.",
        "等待响应的秒数，也是等待对方接收一块请求体的秒数。")
    progress: bool | None = option(None, STORE, validators.flag,
        "A bar on a terminal (extra ``progress``, else plain lines). ``True``: also where there "
        "is no terminal. ``False``: never.",
        "在终端上显示进度条（需要可选依赖 ``progress``，否则逐行显示）。``True``：没有终端时也显"
        "示。``False``：从不显示。",
        shown=("on a terminal", "在终端上显示"))
    api_base_url: str = option("https://api.weixin.qq.com", PLATFORM, validators.api_url,
        "Address of WeChat's API. Plain http is allowed on this machine only: for the emulator.",
        "微信 API 的地址。仅允许对本机使用 http：用于模拟器。")
    upload_hosts: tuple[str, ...] = option(
        (".myqcloud.com", ".tencentcos.cn"), PLATFORM, validators.hosts,
        "Hosts, or domains with a leading dot, to which a signed link may point.",
        "签名链接可以指向的主机，或以点开头的域名。")
    token_provider: str | Callable[..., Any] | None = option(
        None, PLATFORM, validators.function_or(validators.text),
        "A function that returns the token, or a class with ``get()`` and ``invalidate(token)``; "
        "or the dotted path of one.",
        "返回令牌的函数，或具有 ``get()`` 和 ``invalidate(token)`` 的类；也可以是其点分路径。")
    token_cache: str = option("default", PLATFORM, validators.text,
        "Alias of a cache that all processes share (Redis, Memcached).",
        "各进程共用的缓存（Redis、Memcached）的别名。")
    token_min_interval: float = option(60.0, SETTINGS, validators.interval,
        "Least number of seconds between two fetches of a token.",
        "两次获取令牌之间的最短秒数。")
    access_token: Secret | None = option(None, SETTINGS, validators.secret,
        "A token that somebody else keeps fresh: for CI, and to try things out.",
        "由他人负责更新的令牌：用于 CI 和试用。", secret=True)
    component_appid: str = option("", SETTINGS, validators.text,
        "Appid of your platform. Together with ``COMPONENT_APPSECRET`` it lets the app fetch the "
        "token.",
        "第三方平台的 AppID。与 ``COMPONENT_APPSECRET`` 一起设置后，由本应用获取令牌。")
    component_appsecret: Secret | None = option(None, SETTINGS, validators.secret,
        "Secret of your platform.", "第三方平台的 AppSecret。", secret=True)
    verify_ticket: Secret | Callback | None = option(
        None, SETTINGS, validators.ticket,
        "A function that returns the newest ticket, or its dotted path, or a text.",
        "返回最新验证票据的函数（或点分路径），或文本。",
        shown=("the newest of ``wx_static_store.callback``",
            "``wx_static_store.callback`` 收到的最新票据"), secret=True)
    callback_token: tuple[Secret, ...] = option((), SETTINGS, validators.tokens,
        "``wx_static_store.callback``: token of the authorization event URL, or a list of tokens, "
        "the newest first.",
        "``wx_static_store.callback``：第三方平台的消息校验 Token，或其列表，最新的在前。",
        secret=True)
    callback_aes_key: tuple[Secret, ...] = option((), SETTINGS, validators.aes_keys,
        "``wx_static_store.callback``: AES key of the authorization event URL, or a list of keys, "
        "the newest first.",
        "``wx_static_store.callback``：第三方平台的消息加解密 Key，或其列表，最新的在前。",
        secret=True)
    callback_window: float = option(300.0, SETTINGS, validators.number,
        "``wx_static_store.callback``: largest age of a push in seconds.",
        "``wx_static_store.callback``：推送的最大秒龄。")
    environments: Callable[[Any], Mapping[str, Any]] | None = option(
        None, SETTINGS, validators.function,
        "A function, or its dotted path, from a user (``None``: a command) to the environments "
        "that are offered, ``{id: label}``. In place of a label there may be a dictionary, "
        '``{"label": "Tea House", "tags": ["ring/early"]}``. '
        "``wx_static_store.environments.of_platform`` offers what WeChat lists.",
        "函数或其点分路径：参数为用户（``None`` 表示命令），返回可供选择的环境 ``{ID: 名称}``。"
        '名称也可以换成字典 ``{"label": "Tea House", "tags": ["ring/early"]}``。'
        "``wx_static_store.environments.of_platform`` 提供微信列出的环境。")
    release_storage: str = option("", SETTINGS, validators.text,
        "Alias of a private storage: deploys keep the bytes of each release there, for roll backs.",
        "私有存储的别名：部署时在其中保留各次发布的文件内容，用于回滚。", shown=("none", "无"))
    upload_spool: str = option("", SETTINGS, validators.text,
        "Alias of a private storage: the bytes of uploads through the admin and the API that did "
        "not end stored are kept there, so that *Upload again* has them.",
        "私有存储的别名：通过管理后台和 API 上传而没有存储成功的文件内容保留在其中，"
        "供 *重新上传* 使用。",
        shown=("none", "无"))
    upload_spool_hours: int = option(48, SETTINGS, validators.hours,
        "Hours after which ``wx_prune`` deletes what lies in ``UPLOAD_SPOOL``.",
        "``wx_prune`` 删除 ``UPLOAD_SPOOL`` 中内容之前的小时数。")
    celery_queue: str = option("", SETTINGS, validators.text,
        "Queue of Celery to which the tasks of rollouts are sent.",
        "分批发布的任务所发送到的 Celery 队列。",
        shown=("what the project's own routes say", "由项目自己的路由决定"))
    alerts: tuple[Callable[[Any], object], ...] = option((), SETTINGS, validators.functions,
        "Functions, or their dotted paths, that are called with an ``Alert`` when a deployment or "
        "a rollout fails, and with what ``wx_alert`` finds. Ready made: "
        "``wx_static_store.alerts.send_mail`` and ``wx_static_store.alerts.send_wecom``.",
        "函数或其点分路径的列表：部署或分批发布失败时，以及 ``wx_alert`` 发现问题时，以一个 "
        "``Alert`` 为参数调用。现成的函数：``wx_static_store.alerts.send_mail`` 和 "
        "``wx_static_store.alerts.send_wecom``。", shown=("none", "无"))
    alert_emails: tuple[str, ...] = option((), SETTINGS, validators.emails,
        "``send_mail``: list of addresses to which alerts are mailed.",
        "``send_mail``：接收告警邮件的地址列表。", shown=("none", "无"))
    alert_wecom_url: Secret | None = option(None, SETTINGS, validators.webhook,
        "``send_wecom``: webhook of the robot in a WeCom group, with its key.",
        "``send_wecom``：企业微信群机器人的 Webhook 地址（含 key）。",
        shown=("none", "无"), secret=True)
    upload_stores: tuple[str, ...] | None = option(None, SETTINGS, validators.aliases,
        "Aliases of ``STORAGES`` to which people may upload, in the admin or by the API.",
        "允许用户通过管理后台或 API 上传的 ``STORAGES`` 别名。",
        shown=("all", "全部"))
    upload_location: str = option("uploads/", SETTINGS, validators.location,
        "Folder below a store's ``location`` into which people upload. Elsewhere they need the "
        'permission ``replace_protected``. ``""`` opens the whole store.',
        "用户上传到的文件夹，位于存储的 ``location`` 之下。上传到其他位置需要权限 "
        '``replace_protected``。``""`` 表示开放整个存储。')
    upload_max_size: int = option(300 * 2**20, SETTINGS, validators.size,
        "Largest size of an uploaded file in bytes, 5 GiB at most. Also set the maximum request "
        "size in the web server (nginx: ``client_max_body_size``).",
        "上传文件的最大字节数，不超过 5 GiB。还需在 Web 服务器中设置请求体上限（nginx："
        "``client_max_body_size``）。",
        shown=("300 MiB", "300 MiB"))
    upload_extensions: tuple[str, ...] = option(
        tuple(_EXTENSIONS.split()), SETTINGS, validators.extensions,
        "Extensions without the dot that need only the permission ``upload``. All other kinds, "
        "and always HTML, SVG, XML and scripts, need ``upload_active_content``.",
        "只需权限 ``upload`` 即可上传的扩展名，不带点。其他所有类型需要权限 "
        "``upload_active_content``；HTML、SVG、XML 和脚本始终需要。",
        shown=("images, fonts, audio, video, documents, ``zip``",
            "图片、字体、音频、视频、文档、``zip``"))
    upload_check: Callable[[Any, str, Any], None] | None = option(
        None, SETTINGS, validators.function,
        "A function ``(user, name, file)``, or its dotted path, that checks every uploaded file: "
        "a virus scanner, a check of SVG. Its ``ValidationError`` is shown to the user.",
        "函数 ``(user, name, file)`` 或其点分路径，检查每个上传的文件：病毒扫描、SVG 检查等。其 "
        "``ValidationError`` 会显示给用户。")
    docs_url: str = option("", SETTINGS, validators.url,
        "Address of these pages, such as ``https://docs.example.com/en/``. Hints and system checks "
        "end with an address below it; without it they name the page.",
        "本文档的地址，例如 ``https://docs.example.com/zh/``。提示和系统检查的末尾会给出其下的地址；"
        "未设置时只写出页面名称。")
# fmt: on

    @property
    def shared(self) -> "Options":
        """Reset what is each store's own: equal results share a platform, which sees no more."""
        common = [name for name, entry in OPTIONS.items() if entry.scope is not STORE]
        return Options(**{name: getattr(self, name) for name in common})

    def for_env(self, env: str | None) -> "Options":
        """Address another environment, whose public address is then asked of WeChat."""
        if env is None or env == self.env:
            return self
        checked = clean({"env": env}, _("The environment asked for"))["env"]
        return replace(self, env=checked, base_url="", url_prefix="")

    def settled(self) -> "Options":
        """Call `env` where it is a function, in the caller's thread."""
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
        """Return whether tokens are fetched with the platform's own credentials."""
        own = self.token_provider or self.access_token
        return not own and bool(self.component_appid and self.component_appsecret)


OPTIONS: dict[str, Option] = {
    each.name: each.metadata["option"] for each in fields(Options) if each.metadata
}


def clean(
    options: Mapping[str, Any], where: str | Promise, *, shown: Callable[[str], str] = str
) -> dict[str, Any]:
    """Return the checked values; the ConfigurationError names the first bad one, not its value."""
    checked, why = {}, None
    for name, value in options.items():
        if value is None:
            continue
        try:
            checked[name] = OPTIONS[name].check(validators.hashable(value))
        except (ValueError, TypeError) as error:
            why = *error.args, ""
        if why:
            parts = {"where": where, "name": shown(name), "reason": why[0]}
            raise ConfigurationError(_("%(where)s: %(name)s %(reason)s", **parts), hint=why[1])
    return checked
