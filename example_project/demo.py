"""
The main job from end to end, on an emulator of WeChat that runs in this process.

Waits for WeChat's ticket at the site, collects and publishes the static files, saves a document,
deploys a built front end, gets every public address back and compares the bytes, publishes again.
Then it leaves failures and releases to look at (not with ``--plain``, see ``showcase.py``), and
serves the site until Ctrl-C (not with ``--once``), in the language of the terminal.
Exit code 0 only if all of it worked.
"""

from __future__ import annotations

import argparse
import html
import logging
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urljoin

import django
import requests
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from front_end import APP, DIST, HASHED

from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import WxStaticStoreError
from wx_static_store.i18n import padded, width

if TYPE_CHECKING:
    from documents.models import Document

    from wx_static_store.emulator.state import Push
    from wx_static_store.models import UploadLog

HERE = Path(__file__).resolve().parent
VAR = HERE / "var" / "demo"  # made anew each time
TABLE = VAR / "uploaded.txt"

FIRST_PORT = 8000
PATIENCE = 15  # seconds in which the site must have answered WeChat's push
FIRST_ROWS, LAST_ROWS = 6, 4  # of the static files; the whole table is in a file
SERVER = re.compile(r"http://127\.0\.0\.1:\d+")

Wanted = dict[str, bytes]  # public address → the bytes that must come back
options = argparse.Namespace(once=False)


class DemoFailed(Exception):
    """Something is not as it should be; the text says what."""


def main() -> int:
    parser = argparse.ArgumentParser(description="The main job, on the embedded emulator.")
    parser.add_argument("--once", action="store_true", help="end after printing; do not serve")
    parser.add_argument("--plain", action="store_true", help="one shop, and no failures")
    parser.parse_args(namespace=options)
    from example.tenants import HANGZHOU, SUZHOU

    shops = [HANGZHOU] if options.plain else [HANGZHOU, SUZHOU]
    try:
        with EmulatorServer(envs=shops) as emulator:
            prepare(emulator, two_shops=not options.plain)
            with closing_databases(), served() as site:
                receive_ticket(emulator, site)
                publish_and_check(emulator, site)
                with translation.override(language()):
                    if not options.plain:
                        leave_something_to_look_at(emulator, site)
                    if not options.once:
                        serve(emulator, site)
    except KeyboardInterrupt:
        say("", "Interrupted.")
        return 130
    except (CommandError, DemoFailed, WxStaticStoreError) as error:
        say("", f"FAILED: {error}")
        return 1
    return 0


def language() -> str:
    """Return what the terminal speaks, of the two languages of the site."""
    said = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh-hans" if said.startswith("zh") else "en"


def prepare(emulator: EmulatorServer, *, two_shops: bool = False) -> None:
    """Point the settings at the emulator; a fresh database with one user."""
    if not options.once:
        title("Emulator")
        say(
            f"In place of WeChat     {emulator.api_url}",
            f"The public site        {emulator.site_url()}",
        )
    if os.environ.pop("WX_ENV", ""):
        say("WX_ENV is set, but this demo never publishes for real.")
    os.environ["EMULATOR_API"] = emulator.api_url
    os.environ["EMULATOR_SITE"] = emulator.site_url()
    os.environ["EXAMPLE_VAR"] = str(VAR)
    if two_shops:
        os.environ["SHOPS"] = "1"
    os.environ["DJANGO_SETTINGS_MODULE"] = "example.settings"
    shutil.rmtree(VAR, ignore_errors=True)
    django.setup()
    migrate()


def migrate() -> None:
    from django.contrib.auth.models import User

    title("Database")
    call_command("check", fail_level="WARNING")
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("demo", "demo@example.com", "demo")
    say("Fresh and migrated; user demo, password demo.")


def receive_ticket(emulator: EmulatorServer, site: str) -> None:
    """From now on the emulator pushes tickets to the site, which knows no other way to a token."""
    title("Ticket")
    url = site + reverse("wx_static_store_callback:receive")
    emulator.push_to(url)
    push = first_push(emulator)
    if not push.success:
        raise DemoFailed(f"{url} answered WeChat's push with {push.status} {push.answer!r}")
    check_sealed(push.ticket)
    say(f"Pushed to              {url}", "Kept                   encrypted, in the database")


def publish_and_check(emulator: EmulatorServer, site: str) -> None:
    title("Publish")
    collect(emulator)
    document = save_document(emulator)
    deploy(emulator, verify=True)
    wanted = static_files() | media_files(document) | front_end()

    title("What was uploaded")
    show_uploads(uploads(wanted))

    title("Everything back, byte for byte")
    compare(wanted)
    check_pages(site, document, emulator.site_url(), wanted)

    title("Publish again, nothing changed")
    if collect(emulator) != (1, 0) or deploy(emulator) != (1, 0):
        raise DemoFailed("the second, unchanged run should have cost one list each")
    say(f"All {len(wanted) - 2} static files were left alone.")
    check_token(emulator)
    ask_the_doctor()
    say("", "All of it worked.")


def leave_something_to_look_at(emulator: EmulatorServer, site: str) -> None:
    """Leave failures and releases; say where, unless the site ends now."""
    import showcase

    if problem := showcase.fill(emulator, VAR):
        raise DemoFailed(problem)
    if options.once:
        return
    title(_("Something to look at"))
    for sentence, address in showcase.sights():
        say(sentence, f"  {site}{address}")


# --- ticket and token -----------------------------------------------------------------------------


def first_push(emulator: EmulatorServer) -> Push:
    """Wait for the site's answer to the first push."""
    until = time.monotonic() + PATIENCE
    while not emulator.pushes:
        if time.monotonic() > until:
            raise DemoFailed(f"WeChat's ticket did not come within {PATIENCE} seconds")
        time.sleep(0.02)
    return emulator.pushes[0]


def check_sealed(ticket: str) -> None:
    """Check that the database has the ticket, sealed in the file."""
    from wx_static_store.callback.models import VerifyTicket

    if not VerifyTicket.objects.exists():
        raise DemoFailed("the site answered the push, but the database has no ticket")
    if ticket.encode() in (VAR / "db.sqlite3").read_bytes():
        raise DemoFailed("the ticket stands in the database for everybody to read")


def check_token(emulator: EmulatorServer) -> None:
    """Check that the pushed ticket led to the token."""
    from django.conf import settings

    given = {"ACCESS_TOKEN", "VERIFY_TICKET", "TOKEN_PROVIDER"} & set(settings.WX_STATIC_STORE)
    if given:
        raise DemoFailed(f"there should be no token in the settings, but {', '.join(given)}")
    calls = len(emulator.calls("api_component_token"))
    if calls != 1:
        raise DemoFailed(f"the token should have been fetched once, not {calls} times")
    say("The token was fetched once, with WeChat's ticket; no setting holds one.")


def ask_the_doctor() -> None:
    """Show the doctor's verdict in one line; all that it said, if something is wrong."""
    said = StringIO()
    try:
        call_command("wx_doctor", stdout=said, no_color=True)
    except SystemExit:
        raise DemoFailed(f"the doctor found something:\n{said.getvalue()}") from None
    say(f"wx_doctor       {said.getvalue().splitlines()[-1]}")


# --- publish --------------------------------------------------------------------------------------


def collect(emulator: EmulatorServer) -> tuple[int, int]:
    """Run `collectstatic`; says and gives what it cost: calls and bytes."""
    before, started = len(emulator.journal), time.monotonic()
    call_command("collectstatic", interactive=False, stdout=StringIO())
    return say_cost(emulator, before, time.monotonic() - started, "collectstatic")


def save_document(emulator: EmulatorServer) -> Document:
    from documents import sample
    from documents.models import Document

    before, started = len(emulator.journal), time.monotonic()
    document = Document.objects.create(
        title=sample.TITLE,
        description=sample.DESCRIPTION,
        file=ContentFile(sample.TEXT, sample.TEXT_NAME),
        image=ContentFile(sample.picture(), sample.PICTURE_NAME),
    )
    say_cost(emulator, before, time.monotonic() - started, "one document")
    return document


def deploy(emulator: EmulatorServer, **options: Any) -> tuple[int, int]:
    """Deploy the front end by the command; a link that looks broken ends the demo."""
    before, started = len(emulator.journal), time.monotonic()
    options |= {"using": "site", "map": [HASHED], "yes": True, "strict": True}
    options |= {"verbosity": 0}  # no lines of progress among what the demo tells
    call_command("wx_deploy", str(DIST), APP, **options, stdout=StringIO())
    return say_cost(emulator, before, time.monotonic() - started, "wx_deploy")


def say_cost(emulator: EmulatorServer, before: int, seconds: float, label: str) -> tuple[int, int]:
    """By the emulator's own journal, which knows nothing of the client."""
    entries = emulator.journal[before:]
    puts = [entry for entry in entries if entry.name == "put_object"]
    gets = sum(entry.name == "get_object" for entry in entries)  # of the public site
    calls, size = len(entries), sum(entry.body_size for entry in puts)
    say(
        f"{label:<15} {calls:>5,} calls: {len(puts):,} uploads and {calls - len(puts) - gets:,} to "
        f"the API{f', {gets} pages got back' if gets else ''}; {size:,} bytes; {seconds:.1f} s"
    )
    return calls, size


# --- what must be there, and what is --------------------------------------------------------------


def static_files() -> Wanted:
    """Every file below STATIC_ROOT, hashed copies and the manifest included."""
    from django.conf import settings

    return files_of(Path(settings.STATIC_ROOT), "staticfiles")


def front_end() -> Wanted:
    return files_of(DIST, "site", APP)


def files_of(root: Path, alias: str, folder: str = "") -> Wanted:
    from wx_static_store.upload.store import get_store

    store = get_store(alias)
    names = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {store.url(folder + name): path.read_bytes() for name, path in names.items()}


def media_files(document: Document) -> Wanted:
    from documents import sample

    return {document.file.url: sample.TEXT, document.image.url: sample.picture()}


def uploads(wanted: Wanted) -> dict[str, UploadLog]:
    """Return the rows of the log by public address; they must be exactly what is wanted."""
    from wx_static_store.models import UploadLog
    from wx_static_store.upload.store import get_store

    store = get_store("staticfiles")
    rows = {store.key_url(row.key): row for row in UploadLog.objects.order_by("key")}
    if differing := sorted(rows.keys() ^ wanted.keys()):
        raise DemoFailed("\n  ".join(["the log and the files on the disk differ:", *differing]))
    if bad := [str(row) for row in rows.values() if row.status != "stored"]:
        raise DemoFailed("\n  ".join(["the log has other rows than stored ones:", *bad]))
    return rows


def compare(wanted: Wanted) -> None:
    """GET every public address, as a browser would, and compare."""
    started = time.monotonic()
    with requests.Session() as session, ThreadPoolExecutor(8) as pool:
        session.trust_env = False  # loopback needs no proxy
        answers = pool.map(lambda url: fault(session, url, wanted[url]), wanted)
        faults = [found for found in answers if found]
    if faults:
        raise DemoFailed("\n  ".join([f"{len(faults)} public addresses are wrong:", *faults]))
    size, seconds = sum(map(len, wanted.values())), time.monotonic() - started
    say(f"{len(wanted):,} public addresses, {size:,} bytes: all equal; {seconds:.1f} s")


def fault(session: requests.Session, url: str, body: bytes) -> str:
    """Return what is wrong with a public address; empty if nothing is."""
    try:
        answer = session.get(url, timeout=30)
    except requests.RequestException as error:
        return f"{url}: {type(error).__name__}"
    if answer.status_code != 200:
        return f"{url}: answers {answer.status_code}"
    if answer.content != body:
        return f"{url}: {len(answer.content):,} bytes came back, other than the {len(body):,} sent"
    return ""


def check_pages(site: str, document: Document, public: str, wanted: Wanted) -> None:
    """Whatever the pages load from the public site must be among what was compared."""
    paths = ("/", document.get_absolute_url(), "/admin/login/", "/api/documents/")
    pages = [
        *(site + path for path in paths),
        f"{public}/{APP}index.html",
        f"{public}/{APP}teas.html",
    ]
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Accept"] = "text/html"
        named = [set(references(session, page)) for page in pages]
    loaded = {url for page in named for url in page if url.startswith(public)}
    if missing := sorted(loaded - wanted.keys()):
        raise DemoFailed("\n  ".join(["pages name what is not published:", *missing]))
    if not all(any(".css" in url for url in page) for page in named):
        raise DemoFailed("a page of the site has no style sheet")
    if document.image.url not in loaded:
        raise DemoFailed("the pages do not show the document's image")
    say(f"{len(pages)} pages name {len(loaded)} of them, the image among them.")


def references(session: requests.Session, page: str) -> Iterator[str]:
    """Return the addresses that a page loads or links to."""
    text = session.get(page, timeout=30).text
    for reference in re.findall(r'(?:href|src)="([^"]+)"', text):
        yield urldefrag(urljoin(page, html.unescape(reference))).url


# --- the table ------------------------------------------------------------------------------------


def show_uploads(rows: Mapping[str, UploadLog]) -> None:
    head = f"{'bytes':>9}  {'content type':<24}  {'kept for':<10}  public address"
    lines = {url: line(url, row) for url, row in rows.items()}
    TABLE.write_text("\n".join([head, *lines.values()]) + "\n", encoding="utf-8")
    by_source: dict[str, list[str]] = {}
    for url, row in rows.items():
        by_source.setdefault(row.source, []).append(lines[url])
    static = by_source.pop("collectstatic")
    say(head, *chain(*by_source.values()), *shortened(static))
    size = sum(row.size or 0 for row in rows.values())
    say(f"{size:>9,}  in {len(rows):,} files; the whole table: {TABLE.relative_to(HERE.parent)}")


def line(url: str, row: UploadLog) -> str:
    kind = row.content_type.partition(";")[0]
    return f"{row.size or 0:>9,}  {kind:<24}  {kept_for(row.cache_control):<10}  {url}"


def kept_for(cache_control: str) -> str:
    """How long a browser may keep a file without asking again."""
    found = re.search(r"max-age=(\d+)", cache_control)
    if not found:
        return cache_control
    days, seconds = divmod(int(found[1]), 24 * 3600)
    return f"{days} days" if days else f"{seconds // 60} min"


def shortened(lines: Sequence[str]) -> list[str]:
    hidden = len(lines) - FIRST_ROWS - LAST_ROWS
    if hidden <= 0:
        return list(lines)
    return [*lines[:FIRST_ROWS], f"{'…':>9}  {hidden:,} more", *lines[-LAST_ROWS:]]


# --- the site -------------------------------------------------------------------------------------


@contextmanager
def closing_databases() -> Iterator[None]:
    try:
        yield
    finally:
        connections.close_all()


@contextmanager
def served() -> Iterator[str]:
    """Serve the Django site on loopback, in a thread; give its address."""
    from example.wsgi import application

    logging.getLogger("django.server").setLevel(logging.ERROR)  # no line for each request
    server = free_server()
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_server() -> ThreadedWSGIServer:
    for port in (*range(FIRST_PORT, FIRST_PORT + 20), 0):
        try:
            return ThreadedWSGIServer(("127.0.0.1", port), WSGIRequestHandler)
        except OSError:
            continue
    raise DemoFailed("there is no free port on 127.0.0.1")


def serve(emulator: EmulatorServer, site: str) -> None:
    """Until Ctrl-C, or until somebody ends the process."""
    title(_("Have a look"))
    lines = {
        _("The site"): f"{site}/",
        _("The front end"): f"{emulator.site_url()}/{APP}index.html",
        _("The admin"): f"{site}/admin/  ({_('user demo, password demo')})",
        _("The API"): f"{site}{reverse('swagger')}",
        _("The emulator's inside"): f"{emulator.api_url}/__emulator__/",
    }
    say(*(f"{padded(label, 21)}  {address}" for label, address in lines.items()))
    say("", _("Ctrl-C ends it."))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    say("", _("Ended."))


# --- print ----------------------------------------------------------------------------------------


def title(text: str) -> None:
    say("", text, "-" * width(text))


def say(*lines: str) -> None:
    """Print the lines; with --once only the paths of addresses, as nothing answers afterwards."""
    text = "\n".join(lines)
    sys.stdout.write(f"{SERVER.sub('', text) if options.once else text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
