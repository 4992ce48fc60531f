"""Find references that will be a 404, and files that change under their pages, before a deploy."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from time import thread_time

from django.db.models import Max

from ..core.hashed_names import looks_hashed
from ..core.naming import is_html, is_preview, nfc, object_key, odd_names
from ..core.types import DELETED_MD5, ContentHeaders, UploadItem, UploadStatus
from ..exceptions import NameRejected
from ..i18n import gettext as _, listed, ngettext, shown
from ..models import key_digest
from ..upload.database import in_database, log
from ..upload.kept import in_parts
from ..upload.sources import fingerprint
from .references import INDEX, references

MOST = 50  # findings that are reported
SECONDS = 2.0  # of CPU time for all pages in a request: they may be made to cost hours
OWN_SECONDS = 30.0  # for the pages in a command, which are the operator's own
ROWS = 1000  # of the log that a query finds
NAMED = 5  # of the files that change in place

# Files that are not shown with a page that names them: a sitemap changes with each build.
_DATA = (".json", ".map", ".pdf", ".txt", ".webmanifest", ".xml")

Files = Callable[[], Iterable[UploadItem]]  # of a release; not a list, which might be long


def preflight(
    items: Sequence[UploadItem],
    *,
    prefix: str,  # of all names
    location: str = "",  # what stands before them in the bucket
    envs: Iterable[str] = (),  # where the log says which files are replaced
    before: Iterable[Files] = (),  # the hashed files of live releases
    seconds: float = SECONDS,  # of CPU time: then no more pages are read, and a warning says so
) -> list[str]:
    """Return a warning for each problem, with the file and the fix; none if all seems well."""
    names = [item.name for item in items]
    links, odd = _Links(items, prefix, location, seconds), odd_names(names, location)
    index = prefix + INDEX
    text = _(
        "There is no %(file)s, so the address of the site answers 404: "
        "add one, or deploy the folder that has it.",
        file=index,
    )
    found = [
        *[text] * (index not in names),
        *_unusable_names(odd, location),
        *(_equal_names(names) if odd or len({*map(str.lower, names)}) < len(names) else ()),
        *_replaced_files(links, envs, before),
        *_outside(links),
    ]
    left = len(found) + len(links.missing) - MOST
    # A page may name any number of them.
    found += islice(_missing(links), MOST)
    more = [_("… and %(count)d more", count=left)] if left > 0 else []
    return [*found[:MOST], *more, *links.doubts]


def changed_in_place(
    items: Sequence[UploadItem],
    changed: Collection[str],
    prefix: str,
    *,
    location: str = "",
    before: Iterable[Files] = (),
) -> list[str]:
    """Return a warning of the changed files that pages load under an unchanged name."""
    # To read the pages takes long: not for files that no page keeps the name of.
    kept = {name for name in changed if not (looks_hashed(name) or is_html(name))}
    if not kept or not any(is_html(item.name) for item in items):
        return []
    links = _Links(items, prefix, location, OWN_SECONDS)
    loaded = {links.files[key].name for key in links.loaded & links.files.keys()}
    older = _loaded_before(links, lambda item: item.name in kept, before)
    return [*_in_place(kept & loaded | older), *links.doubts]


def _unusable_names(names: Sequence[str], location: str) -> Iterator[str]:
    """Warn of names that no object can have: such a file fails, and the pages are held back."""
    for name in names:
        try:
            object_key(location, name)
        except NameRejected as error:
            yield _("%(what)s. %(hint)s", what=error.message, hint=error.full_hint)


def _equal_names(names: Sequence[str]) -> Iterator[str]:
    """Warn of names that are one file on some disks, or have the same key."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(nfc(name).casefold(), []).append(name)
    for group in groups.values():
        if len({*map(nfc, group)}) < len(group):
            names = listed(map(ascii, group))
            yield _("%(names)s are one name on the site: rename one.", names=names)
        elif len(group) > 1:
            yield _(
                "%(names)s differ only by case, which is one file on many disks: rename one.",
                names=listed(map(shown, group)),
            )


# --- references -------------------------------------------------------------------------------


class _Links:
    """The addresses that the pages and style sheets of a tree refer to."""

    def __init__(
        self, items: Sequence[UploadItem], prefix: str, location: str, seconds: float
    ) -> None:
        self.location, self.base = location, location + prefix
        self.until = thread_time() + seconds
        self.doubts: list[str] = []
        self.files = {nfc(location + item.name): item for item in items}
        self.loaded: set[str] = set()  # keys of files
        self.outside: dict[str, dict[str, None]] = {}  # page: the addresses in it, in order
        self.missing: dict[str, dict[str, None]] = {}  # key: the pages that name it, in order
        for item in items:
            for key, loaded in self.of(item).items():
                if not key.startswith(self.base):
                    self.outside.setdefault(item.name, {})[f"/{key}"] = None
                elif not {key, f"{key}/{INDEX}"} & self.files.keys():
                    self.missing.setdefault(key, {})[item.name] = None
                elif loaded:
                    self.loaded.add(key)

    def of(self, item: UploadItem) -> dict[str, bool]:
        """Return the references of a page; none once the time is up."""
        try:
            return references(item, self.location, self.until)
        except TimeoutError:
            text = _(
                "Not all pages were looked at: that would take too long. To look at all of "
                "them, run wx_deploy --dry-run --strict with the folder of the site."
            )
            self.doubts = [text]
            return {}


def _outside(links: _Links) -> Iterator[str]:
    base = f"/{links.base}"
    for page, addresses in links.outside.items():
        text = _(
            "%(page)s refers to %(addresses)s, outside of %(base)s: "
            "build the site for this base path."
        )
        first = listed(map(shown, addresses), 1)
        yield text % {"page": shown(page), "addresses": first, "base": base}
    if links.outside and is_preview(links.base.removeprefix(links.location)):
        text = _(
            "A preview lies below %(base)s. Set this base path in your build. Vite: "
            "--base=%(base)s. Vue CLI: publicPath: '%(base)s'. webpack: output.publicPath: "
            "'%(base)s'. Next.js: basePath: '%(path)s'. Angular: --base-href %(base)s. Hugo: "
            "--baseURL %(base)s"
        )
        yield text % {"base": base, "path": base.rstrip("/")}


def _missing(links: _Links) -> Iterator[str]:
    location = links.location
    named = links.files if links.missing else ()
    called = {nfc(key).casefold(): key.removeprefix(location) for key in named}
    for key, pages in links.missing.items():
        name, other = key.removeprefix(location), called.get(nfc(key).casefold())
        facts = {"name": shown(name), "pages": listed(map(shown, pages), 1)}
        if other:
            yield _(
                "%(name)s, named in %(pages)s, is not among the files: the file is called "
                "%(other)s.",
                **facts,
                other=shown(other),
            )
        else:
            yield _(
                "%(name)s, named in %(pages)s, is not among the files: add it, or correct "
                "the reference.",
                **facts,
            )


# --- files that change in place ---------------------------------------------------------------


def _replaced_files(links: _Links, envs: Iterable[str], before: Iterable[Files]) -> Iterator[str]:
    """Warn of files that pages load under an unchanged name while the bytes change."""
    kept = {
        key: item
        for key in sorted(links.loaded & links.files.keys())
        if _keeps_name(item := links.files[key])
    }
    stored = in_database(lambda: _stored_md5s([*envs], [*kept]), otherwise=None) or ()
    here = {key: fingerprint(kept[key]).md5 for key, _md5 in stored}
    changed = {kept[key].name for key, md5 in stored if here[key] not in (md5, None)}
    yield from _in_place(changed | _loaded_before(links, _keeps_name, before))


def _keeps_name(item: UploadItem) -> bool:
    return not (item.hashed or is_html(item.name))


def _loaded_before(
    links: _Links, stays: Callable[[UploadItem], bool], before: Iterable[Files]
) -> set[str]:
    """Return the changed files with an unchanged name that only pages `before` load."""
    found: set[str] = set()
    for files in before:
        changed = {}
        for old in files():
            key = nfc(links.location + old.name)
            item = links.files.get(key)
            if key in links.loaded or key.lower().endswith(_DATA) or not (item and stays(item)):
                continue
            if fingerprint(item).md5 not in (old.md5, None):
                changed[key] = item.name
        for old in files() if changed else ():
            loaded = links.of(old)
            found |= {name for key, name in changed.items() if loaded.get(key)}
    return found


def _in_place(changed: Collection[str]) -> Iterator[str]:
    if changed:
        yield ngettext(
            "%(names)s changes under a name that pages keep: until the deploy ends, old pages load "
            "the new file. Let your build put a hash into its name.",
            "%(names)s change under names that pages keep: until the deploy ends, old pages load "
            "the new files. Let your build put a hash into their names.",
            len(changed),
            names=listed(map(shown, sorted(changed)), NAMED),
        )


def _stored_md5s(envs: Sequence[str], keys: Sequence[str]) -> set[tuple[str, str]]:
    """Return the keys that have a file by the log of an environment, each with its MD5."""
    rows, digests = log().exclude(status=UploadStatus.FAILED).order_by(), [*map(key_digest, keys)]
    found: set[tuple[str, str]] = set()
    # A thousand tenants with a query for each would take seconds.
    for part in in_parts(digests, ROWS):
        for some in in_parts(envs, max(ROWS // len(part), 1)):
            newest = rows.filter(env__in=some, key_digest__in=part).values("env", "key_digest")
            ids = newest.annotate(newest=Max("id")).values_list("newest", flat=True)
            stored = rows.filter(id__in=[*ids], status=UploadStatus.STORED)
            stored = stored.exclude(md5__in=("", DELETED_MD5))
            for key, md5, others in stored.values_list("key", "md5", "other_headers"):
                found.add((key, ContentHeaders("", "", others).plain_md5 or md5))
    return found
