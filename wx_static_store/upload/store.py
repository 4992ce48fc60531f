"""`get_store(using, env=None)` → one `Store` per environment: options, tokens, clients, URLs."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from ..clients.cos import CosClient
from ..clients.site import SiteClient
from ..clients.tokens import TokenProvider
from ..clients.wechat import ListPage, WeChatClient
from ..conf import Options, options_for
from ..conf.settings import freeze, resolve
from ..core.naming import quote_key
from ..core.retry import REQUEST, Clock, Deadline, run
from ..core.types import DELETED, DELETED_MD5, RemoteFile
from ..exceptions import ConfigurationError, WxStaticStoreError
from ..i18n import gettext_lazy as _
from .hosting import Hosting, Hostings
from .platform import Platform, platform_for

if TYPE_CHECKING:
    from ..clients.transport import Reply

T = TypeVar("T")

INTERACTIVE_RATE = 2**20  # bytes a second that a file's own size adds to it
INTERACTIVE_SECONDS = REQUEST


class Configured:
    """Mixin of our storages: each has the options that it is given, and the store of these."""

    wx_kind: str

    def __init__(self, **options: Any) -> None:
        self._given = freeze(options)
        super().__init__()

    @property
    def options(self) -> Options:
        return resolve(self.wx_kind, self._given)

    @property
    def store(self) -> "Store":
        return store_for(self.options)

    @property
    def base_url(self) -> str:
        """The public address above every name; asks WeChat only if no setting names it."""
        return self.store.url("")


class Store:
    """One environment: its clients, its list, and the addresses of its objects."""

    def __init__(self, options: Options, env: str, clock: Clock) -> None:
        self.options = options
        self.env = env
        self.clock = clock
        self.platform: Platform = platform_for(options)
        self.wechat: WeChatClient = WeChatClient(self.platform.transport, options.api_base_url)
        self.cos: CosClient = CosClient(self.platform.transport)
        self.site: SiteClient = SiteClient(self.platform.transport)
        self.tokens: TokenProvider = self.platform.tokens
        self._hostings = Hostings(options)
        # If STATIC_URL is exactly the address and the location, the site needs no call to WeChat.
        location = quote_key(options.location)
        inside = options.url_prefix.endswith("/" + location)
        static_root = options.url_prefix.removesuffix(location) if inside else ""
        self._root = options.base_url or static_root

    def interactive_deadline(self) -> Deadline:
        """Allow 25 s, or what `deadline` sets; a transfer adds what the size of its file needs."""
        return Deadline.after(self.options.deadline or INTERACTIVE_SECONDS, self.clock)

    def find(self, key: str) -> RemoteFile | None:
        """Return the object that the list shows at exactly this key; ask `presence`, not this."""
        try:
            page = self.page(key, "")
        except WxStaticStoreError as error:
            error.with_context(stage="name")  # a save looks whether its name is free
            raise
        return next((file for file in page.files if file.key == key), None)

    def sweep(self, prefix: str) -> Iterator[RemoteFile]:
        """Yield every object below the prefix, without deleted ones."""
        marker: str | None = ""
        while marker is not None:
            page = self.page(prefix, marker)
            yield from (file for file in page.files if not self.is_deleted(file))
            marker = page.marker

    def is_deleted(self, file: RemoteFile) -> bool:
        """Return whether a file is the deletion marker; ask the site if the list gives no MD5."""
        if file.size != len(DELETED):
            return False
        if file.md5 is not None:
            return file.md5 == DELETED_MD5
        body = BytesIO()
        return bool(self.fetch(file.key, body)) and body.getvalue() == DELETED

    def fetch(self, key: str, sink: BinaryIO) -> "Reply | None":
        """Write the public bytes of `key` into `sink`; return None if the site has none."""
        deadline, url = self.interactive_deadline(), self.key_url(key)
        return run(
            lambda number: self.site.fetch(url, sink, deadline=deadline),
            max_attempts=self.options.max_attempts,
            deadline=deadline,
        )

    def url(self, name: str) -> str:
        """Return the public address of a name, which stands below the location."""
        prefix = self.options.url_prefix or self.root() + quote_key(self.options.location)
        return prefix + quote_key(name)

    def address(self, prefix: str) -> str:
        """Return the public address of a folder; empty if it cannot be had now."""
        with suppress(WxStaticStoreError):
            return self.url(prefix)
        return ""

    def key_url(self, key: str) -> str:
        if key.startswith(self.options.location):
            return self.url(key.removeprefix(self.options.location))
        return self.root() + quote_key(key)

    def known_url(self, key: str, hosting: Hosting | None = None) -> str:
        """Return a key's address without a call, by the remembered `hosting` if given; else ""."""
        inside = self.options.url_prefix and key.startswith(self.options.location)
        if not (self._root or inside):
            self._root = (hosting or self._hostings.get(self.env)).root
        return self.key_url(key) if self._root or inside else ""

    def root(self) -> str:
        """Return the site's address: `base_url`, else WeChat's answer, asked once and cached."""
        self._root = self._root or self._hostings.get(self.env).root or self._described_root()
        return self._root

    def page(self, prefix: str, marker: str) -> ListPage:
        """Return the page of the list that follows the marker."""
        return self._ask(self.wechat.list_page, prefix, marker)

    def _ask(self, call: Callable[..., T], *args: str) -> T:
        """Make a call about this environment in the retry loop; return its answer."""
        attempts, deadline = self.options.max_attempts, self.interactive_deadline()
        how: dict[str, Any] = {"deadline": deadline, "max_attempts": attempts, "env": self.env}
        return self.platform.ask(call, self.env, *args, **how)

    def _described_root(self) -> str:
        hosting = self._hostings.keep(self.env, self._ask(self.wechat.describe))
        if not hosting.root:
            hint = _("Enable it in the console, or set base_url to the site's public address.")
            raise ConfigurationError(_("Static hosting is not enabled"), hint=hint, env=self.env)
        return hosting.root


def get_store(using: str = "default", env: str | None = None) -> Store:
    """Return the store of a ``STORAGES`` alias, or of this alias at another environment."""
    return store_for(options_for(using).for_env(env))


def store_for(options: Options) -> Store:
    """Return the store of these options; a callable `env` is asked each time."""
    return _store(os.getpid(), options.settled())


@lru_cache(maxsize=1024)
def _store(pid: int, options: Options) -> Store:
    return Store(options, str(options.env), Clock())
