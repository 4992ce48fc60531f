"""How the public address serves the file of a probe."""

import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from ...core.types import ENCODING
from ...deploy import paths
from ...deploy.paths import FOLDERS, OWN_DOMAIN
from ...exceptions import ProtocolError
from ...i18n import gettext_lazy as _
from ...upload.as_sent import GZIP, as_gzip, smaller
from .facts import CACHE_TIMES, HASHED, MOVED, SLOW, is_soon, said
from .findings import Check, Finding, Text, ok, warning, wrong
from .probe_file import INDEX, SMALL, ProbeFile, of_each, page

# By edge: the headers that mark its answers.
EDGES = {"eo": ("EO-Cache-Status", "EO-LOG-UUID"), "cdn": ("X-NWS-LOG-UUID", "X-Cache-Lookup")}
# The suffixes of what the old CDN sends uncompressed though it would gain: always, and above 2 MB.
_ALWAYS = (".svg", ".mjs", ".wasm", ".map")
_LARGE = (*_ALWAYS, ".js", ".html", ".css", ".xml", ".json", ".shtml", ".htm")

_MEASURED = 64 * 2**20  # bytes of the live release that are packed at most

_OF_CDN = _("Look at the response headers of the CDN in the console of Tencent Cloud.")


def _public(file: ProbeFile) -> Iterator[Finding]:
    if file.until(file.serves, file.timeout) is None:
        reply = file.get()
        facts = {"url": file.url, "status": reply.status}
        text = _("%(url)s does not serve what was uploaded (HTTP status %(status)d).", **facts)
        if 300 <= reply.status < 400:
            host = reply.redirect_host
            text = _("%(url)s redirects to %(host)s (HTTP status %(status)d).", host=host, **facts)
        yield wrong(text, data=facts)
        return
    file.is_served = True
    headers = file.get().headers
    findings = [*_changed(headers, "Cache-Control", file.headers.cache_control, CACHE_TIMES)]
    file.facts["cache_control"] = headers.get("Cache-Control") or "none" if findings else "kept"
    findings += _changed(headers, "Content-Type", file.headers.content_type, _OF_CDN)
    findings += _attachment(file, headers.get("Content-Disposition", ""))
    file.facts["edge"] = _edge(headers)
    yield from findings or [ok(_("The public address serves the file with its headers."))]


def _changed(headers: Mapping[str, str], name: str, sent: str, hint: Text) -> Iterator[Finding]:
    value = headers.get(name, "")
    if value.replace(" ", "").lower() != sent.replace(" ", "").lower():
        facts = {"sent": sent, "value": value}
        text = _("The %(name)s is '%(value)s', not '%(sent)s' as it was sent.", name=name, **facts)
        yield warning(text, hint=hint, data=facts)


def _attachment(file: ProbeFile, value: str) -> Iterator[Finding]:
    forced = value.lower().startswith("attachment")
    always = forced and file.get(head=True).headers.get("Content-Disposition", "") == value
    file.facts["attachment"] = "off" if not forced else "all" if always else "get"
    if forced:
        yield warning(_("Files are sent as downloads (Content-Disposition)."), hint=OWN_DOMAIN)


def _speed(file: ProbeFile) -> Iterator[Finding]:
    started = time.monotonic()
    size = len(file.get().body)
    rate = round(size / 1024 / max(time.monotonic() - started, 0.001))
    file.facts["speed"] = str(rate)
    text, data = said({"speed": str(rate)}), {"kb_per_second": rate}
    yield (warning if rate < SLOW else ok)(text, data=data)


def _index(file: ProbeFile) -> Iterator[Finding]:
    facts = paths.ask_folder(file.get, file.url.removesuffix(INDEX), file.body)
    facts |= paths.ask_missing(file.get, file.store.url(""))
    file.facts |= facts
    served, below = facts["folder_index"] == "served", file.store.options.location
    kind = "" if below else paths.kind_of(file.live_items)
    advice = paths.path_advice("missing_path", facts["missing_path"], kind) if served else ""
    yield (ok if served and not advice else warning)(said(facts), hint=advice, data=facts)


def _notice(file: ProbeFile) -> Iterator[Finding]:
    parts = urlsplit(file.url)
    start = f"{parts.scheme}://{parts.netloc}/"
    seen = {url: status for url in (start, file.url) if (status := paths.visit(file.get, url)[1])}
    file.facts["notice_page"] = next(iter(seen.values()), "off")
    if not seen:
        yield ok(_("A browser gets the same page as a program."))
    for url, status in seen.items():
        facts = {"url": url, "status": status}
        text = _("A visitor of %(url)s first sees a notice (HTTP status %(status)s).", **facts)
        yield warning(text, data=facts)


def _gzip(file: ProbeFile) -> Iterator[Finding]:
    body = page(4 * SMALL)
    error = file.send(body, gzip=True).error
    if error and not (error.cos_code and 400 <= (error.http_status or 0) < 500):  # it may pass
        raise error
    file.facts["gzip"] = value = error.cos_code if error else _as_received(file, body)
    wanted = file.store.options.compress == GZIP and value != "yes"
    yield (warning if wanted else ok)(said({"gzip": value}), data={"gzip": value})


def _as_received(file: ProbeFile, body: bytes) -> str:
    """Return how clients with gzip and without it get what was stored as gzip."""
    url = file.store.url(file.gzip_name)
    try:
        file.until(lambda: file.get(url).status == 200, file.timeout)
        # With gzip once more at the end: an edge may keep what it has made for the client before.
        replies = [file.get(url, gzip=accepts) for accepts in (True, False, True)]
    except ProtocolError:  # it is called gzip and is none, or has another encoding
        return "broken"
    if any(reply.body != body for reply in replies):
        return "broken"
    first, plain, again = (ENCODING in reply.headers for reply in replies)
    return "kept" if plain else "yes" if first and again else "plain"


def _cdn(file: ProbeFile) -> Iterator[Finding]:
    result = file.send(page(SMALL))
    if result.error:
        raise result.error
    facts = {"edge": file.facts["edge"]} | _freshness(file) | _uncompressed(file)
    yield (ok if is_soon(facts["stale_seconds"]) else warning)(said(facts), data=facts)
    if {before := file.remembered("edge"), facts["edge"]} == {*EDGES}:
        facts |= (moved := {"edge_before": before})
        yield warning(said(moved), hint=MOVED, data=moved)
    file.facts |= facts


def _freshness(file: ProbeFile) -> dict[str, str]:
    if file.serves():
        return {"stale_seconds": "0"}
    past = "yes" if file.serves(past_caches=True) else "no"
    ended = file.until(file.serves, file.patience) is not None
    # With a plus it was not waited for: the old bytes were still shown at the end.
    seconds = str(max(1, round(file.age))) + ("" if ended else "+")
    return {"stale_seconds": seconds, "cache_busting": past}


def _edge(headers: Mapping[str, str]) -> str:
    """Return which edge has marked an answer; "none" if neither has."""
    if headers.get("Server") == "TencentEdgeOne":
        return "eo"
    found = (edge for edge, marks in EDGES.items() if any(map(headers.__contains__, marks)))
    return next(found, "none")


def _uncompressed(file: ProbeFile) -> dict[str, str]:
    """Return how many MB of the live release the old CDN does not compress, and gzip would save."""
    sizes, options = {"uncompressed": 0, "gzip_saves": 0}, file.store.options
    sends_gzip = options.compress == GZIP and file.facts.get("gzip") == "yes"
    for item in file.live_items if file.facts["edge"] == "cdn" and not sends_gzip else ():
        size = item.size or 0
        if item.name.lower().endswith(_LARGE if size > 2 * 2**20 else _ALWAYS):
            sizes["uncompressed"] += size
            # By the kept bytes: without them, none are saved.
            if sizes["uncompressed"] <= _MEASURED:
                sizes["gzip_saves"] += size - (smaller(as_gzip(options, item), item).size or 0)
    in_mb = {name: f"{size / 2**20:.1f}" for name, size in sizes.items()}
    return {name: size for name, size in in_mb.items() if size != "0.0"}


# An entry is read as one.
# fmt: off
CHECKS = (
    Check("probe.public", _("Does the public address serve what was uploaded?"), of_each(_public),
        means=_("If the bytes differ, the address belongs to another environment. If the "
                "Cache-Control differs, the CDN decides the cache times. With Content-Disposition, "
                "browsers download pages instead of showing them."),
        remedy=_("Open the address in a browser. base_url, STATIC_URL or MEDIA_URL must be the "
                 "public address of this environment."), needs=("token.accepted",), probe=True),
    Check("probe.speed", _("Is the public address fast enough?"), of_each(_speed, served=True),
        means=_("The default domain of an environment is for tests, and is limited."),
        remedy=OWN_DOMAIN, needs=("token.accepted",), probe=True),
    Check("probe.index", _("What do visitors get at a folder, and where no file is?"),
        of_each(_index, served=True),
        means=_("Without a redirect to the address with the last slash, relative addresses in the "
                "page break. As the error page, a single page application needs index.html, and "
                "other sites need a 404.html. The live release says which kind the site is."),
        remedy=FOLDERS["folder_index"][1], needs=("token.accepted",), probe=True),
    Check("probe.notice", _("Do visitors see the pages at once?"), of_each(_notice, served=True),
        means=_("The default domain of an environment shows browsers a notice first "
                "(页面访问提示). Programs do not see it."),
        remedy=OWN_DOMAIN, needs=("token.accepted",), probe=True),
    Check("probe.gzip", _("Does the site take files that are stored as gzip?"),
        of_each(_gzip, served=True),
        means=_("The option compress works only if browsers get such a file as gzip, and other "
                "clients get it plain."),
        remedy=_("Nothing is sent as gzip, whatever the option compress says."),
        needs=("token.accepted",), probe=True),
    Check("probe.cdn", _("How soon is a replaced file seen?"), of_each(_cdn, served=True),
        means=_("The CDN may show an old file for some minutes. Names with a hash are never old. "
                "The probe also finds out whether a random query passes the CDN, and whether the "
                "CDN is that of CloudBase or EdgeOne, to which CloudBase moves."),
        remedy=HASHED, needs=("token.accepted",), probe=True),
)
# fmt: on
