"""docs/howto/api.rst: its recipes work in a fresh project, and its clients with a bad proxy."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ENV, slow
from tests.docs.blocks import DOCS, Block, blocks, matches
from tests.docs.fresh_project import FreshProject
from tests.docs.proxy import Proxy
from wx_static_store.conf.options import Options
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload.store import INTERACTIVE_SECONDS
from wx_static_store.upload.uploader import SETTLE_SECONDS

PAGE = DOCS / "howto" / "api.rst"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = blocks(PAGE)
SITE = "http://127.0.0.1:8000"  # of the page
OTHER_SITE = "http://localhost:5173"
PNG = bytes.fromhex("89504e470d0a1a0a") + b"not much of a picture"
FILM = b"\0\0\0\x20ftypisom"
# The session of a login; who is not there yet is one of the staff.
LOG_IN = """
from django.contrib.auth.models import User
from django.test import Client
user, _ = User.objects.get_or_create(username={name!r}, defaults={{"is_staff": True}})
client = Client()
client.force_login(user)
print(client.cookies["sessionid"].value)
"""

pytestmark = slow


def code(name: str) -> str:
    [found] = [block.text for block in BLOCKS if block.name == name]
    return found


@dataclass
class Site:
    """The reader's project, its server, and the cloud behind it."""

    project: FreshProject
    cloud: EmulatorServer
    proxy: Proxy
    url: str
    other: str  # the origin of the other site
    token: str

    @property
    def folder(self) -> Path:
        return self.project.folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("reader")
    with EmulatorServer(envs=(ENV,)) as cloud, elsewhere() as other:
        project = FreshProject(folder, CURL_HOME=str(folder))
        (folder / ".curlrc").write_text("no-progress-meter\n")  # as at a terminal
        for block in blocks(DOCS / "tutorial.rst"):
            if "STORAGES" in block.text:
                project.paste(block)
        project.add_api()
        addresses = {"API_BASE_URL": cloud.api_url, "BASE_URL": cloud.site_url()}
        running = {"ACCESS_TOKEN": cloud.access_token, **addresses}
        project.append("config/settings.py", f"WX_STATIC_STORE |= {running!r}")
        for block in BLOCKS:
            if block.caption:
                project.append(block.caption, block.text.replace(OTHER_SITE, other))
        token = set_up(project)
        with project.serving() as url, Proxy(address_of(url)) as proxy:
            yield Site(project, cloud, proxy, url, other, token)


def set_up(project: FreshProject) -> str:
    """Run what stands before the server's start; return the token that the page makes."""
    token = ""
    for block in BLOCKS:
        if block.language == "pycon":
            shell(project, block.text.replace(">>> ", ""))
        for command, shown in block.commands if block.language == "console" else []:
            if command.startswith("python manage.py"):
                printed = project.run(command)
                assert not shown or matches(shown, printed), f"$ {command}\n{printed}"
                if "drf_create_token" in command:
                    token = printed.split()[2]
    return token


def address_of(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


@contextmanager
def elsewhere() -> Iterator[str]:
    """Serve an empty page of another site."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def _fresh(request: pytest.FixtureRequest) -> None:
    """Begin with two files to upload, an empty cloud, and a proxy without faults."""
    if "site" not in request.fixturenames:
        return
    site: Site = request.getfixturevalue("site")
    (site.folder / "tea.png").write_bytes(PNG)
    (site.folder / "film.mp4").write_bytes(FILM)
    for key in site.cloud.objects():
        site.cloud.delete_object(key)
    site.proxy.faults.clear()
    site.proxy.posts = 0


# --- what is typed and pasted ---------------------------------------------------------------------


def test_every_command_of_the_page_prints_what_the_page_shows(site: Site) -> None:
    """The commands that need the server, in their order; `pip install` has been done."""
    commands = [pair for block in BLOCKS if block.language == "console" for pair in block.commands]
    for command, shown in commands:
        if command.startswith("curl"):
            script = f"export TOKEN={site.token}; {command.replace(SITE, site.url)}"
            printed = site.project.run(script)
            assert matches(shown, printed), f"$ {command}\n{printed}\ninstead of\n{shown}"
        else:
            assert command.startswith(("python manage.py ", "pip install ", "gunicorn ")), command


def test_gunicorn_knows_the_options_of_the_page(site: Site) -> None:
    [command] = re.findall(r"\$ (gunicorn .*)", TEXT)
    site.project.run(f"python -m {command} --check-config")


def test_a_stranger_gets_401(site: Site) -> None:
    printed = site.project.run(f"curl -F file=@tea.png {site.url}/wx/uploads/")
    assert json.loads(printed)["code"] == "not_authenticated"


@pytest.mark.parametrize(("token", "code"), [("", "401"), ("ann", "403")])
def test_the_openapi_document_is_for_staff(site: Site, token: str, code: str) -> None:
    header = f'-H "Authorization: Token {site.token}"' if token else ""
    script = f"curl -o /dev/null -w '%{{http_code}}' {header} {site.url}/schema/"
    assert site.project.run(script) == code


def test_the_openapi_document_describes_the_api(site: Site) -> None:
    session = log_in(site, "editor")
    printed = site.project.run(f"curl -b sessionid={session} {site.url}/schema/")
    assert "/wx/uploads/" in yaml.safe_load(printed)["paths"]


def log_in(site: Site, name: str) -> str:
    return shell(site.project, LOG_IN.format(name=name)).strip()


def shell(project: FreshProject, script: str) -> str:
    return project.run(shlex.join(["python", "manage.py", "shell", "-v0", "-c", script]))


# --- the clients ----------------------------------------------------------------------------------


class Refused(Exception):
    """A client has given up; its text is what the client says."""


def run(site: Site, *command: str) -> str:
    """Run a client as the user of the token; return what it prints."""
    done = subprocess.run(
        command,
        cwd=site.folder,
        env={**site.project.variables(), "TOKEN": site.token},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise Refused(done.stdout + done.stderr)
    return done.stdout.strip()


def with_python(site: Site, page: Any) -> str:
    return run(site, "python", "-c", code("requests").replace(SITE, site.proxy.url))


def with_curl(site: Site, page: Any) -> str:
    answer = run(site, "bash", "-c", code("curl").replace(SITE, site.proxy.url))
    return str(json.loads(answer)["url"])


def with_mini_program(site: Site, page: Any) -> str:
    if not shutil.which("node"):
        pytest.skip("node is not on this machine")
    program = site.folder / "program.js"
    program.write_text(code("wx-upload-file").replace(SITE, site.proxy.url), "utf-8")
    stand_in = str(Path(__file__).with_name("wx.js"))
    [fields] = re.findall(r"upload\(tempFilePath, token, (\{.*?\})\)", TEXT)
    fields = re.sub(r"(\w+):", r'"\1":', fields)
    return run(site, "node", stand_in, str(program), "tea.png", site.token, fields)


def with_page_of_the_same_site(site: Site, page: Any) -> str:
    session = log_in(site, "ann")
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site.proxy.url}])
    page.goto(f"{site.proxy.url}/wx/stores/")
    assert [cookie["name"] for cookie in page.context.cookies()] == ["sessionid"]
    [call] = re.findall(r"``(uploadHere\(.*?\))``", TEXT)
    return in_page(site, page, "same-site", call)


def with_page_of_another_site(site: Site, page: Any) -> str:
    page.goto(site.other)
    call = 'uploadThere(input.files[0], token, {store: "default"})'
    return in_page(site, page, "other-site", call)


def in_page(site: Site, page: Any, name: str, call: str) -> str:
    page.evaluate("document.body.innerHTML = '<input type=file>'")
    page.set_input_files("input", site.folder / "tea.png")
    script = (code("fetch") + code(name)).replace(SITE, site.proxy.url)
    ended = page.evaluate(
        f"""async (token) => {{
            const input = document.querySelector("input");
            {script}
            try {{ return {{url: (await {call}).url}}; }}
            catch (error) {{ return {{refused: error.message}}; }}
        }}""",
        site.token,
    )
    if "refused" in ended:
        raise Refused(ended["refused"])
    return str(ended["url"])


Client = Callable[[Site, Any], str]
CLIENTS = [with_python, with_curl, with_mini_program]
IN_BROWSER = [with_page_of_the_same_site, with_page_of_another_site]
BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(
        "WX_REQUIRE_BROWSER" not in os.environ, reason="WX_REQUIRE_BROWSER=1 runs it, in Chromium"
    ),
]
ALL = [*CLIENTS, *(pytest.param(client, marks=BROWSER) for client in IN_BROWSER)]
each_client = pytest.mark.parametrize("client", ALL, ids=lambda client: client.__name__)


@pytest.fixture
def page(request: pytest.FixtureRequest, client: Client) -> Iterator[Any]:
    """Open an empty page in Chromium, for the clients that run in a browser."""
    if client not in IN_BROWSER:
        yield None
        return
    context = request.getfixturevalue("chromium").new_context()
    yield context.new_page()
    context.close()


@each_client
def test_a_client_uploads_the_file_and_learns_its_address(
    site: Site, client: Client, page: Any
) -> None:
    url = client(site, page)
    [(key, stored)] = site.cloud.objects().items()
    assert key.startswith("media/uploads/")
    assert (url, stored.body) == (f"{site.cloud.site_url()}/{key}", PNG)


@each_client
def test_a_client_repeats_until_it_has_an_answer_and_stores_the_file_once(
    site: Site, client: Client, page: Any
) -> None:
    before = len(site.cloud.calls("put_object"))
    site.proxy.faults.extend(["502", "busy", "lost"])
    url = client(site, page)
    assert not site.proxy.faults
    assert len(site.cloud.calls("put_object")) == before + 1
    [key] = site.cloud.objects()
    assert url == f"{site.cloud.site_url()}/{key}"


@each_client
def test_a_client_names_the_problem_of_a_refused_file(
    site: Site, client: Client, page: Any
) -> None:
    (site.folder / "tea.png").write_bytes(b"no picture")
    with pytest.raises(Refused, match="content"):
        client(site, page)
    assert site.proxy.posts == 1


@each_client
def test_a_client_stops_at_a_page_of_the_proxy_that_refuses(
    site: Site, client: Client, page: Any
) -> None:
    site.proxy.faults.append("413")
    with pytest.raises(Refused, match=r"HTTP 413|the proxy's own page"):
        client(site, page)
    assert site.proxy.posts == 1


def test_curl_uploads_bytes_under_a_generated_name(site: Site) -> None:
    answer = json.loads(run(site, "bash", "-euc", code("curl-raw").replace(SITE, site.url)))
    assert re.fullmatch(r"uploads/[0-9a-f]{32}\.mp4", answer["name"])
    assert site.cloud.objects()[answer["key"]].body == FILM


def test_curl_replaces_nothing_on_the_condition_that_nothing_is_there(site: Site) -> None:
    site.cloud.put_object("media/uploads/film.mp4", b"old")
    answer = run(site, "bash", "-euc", code("curl-new-only").replace(SITE, site.url))
    assert json.loads(answer)["code"] == "precondition"
    assert site.cloud.objects()["media/uploads/film.mp4"].body == b"old"


# --- facts of the page ----------------------------------------------------------------------------


def test_the_cors_settings_name_each_header_that_the_api_reads_and_sends(site: Site) -> None:
    document = yaml.safe_load((site.folder / "openapi.yaml").read_text("utf-8"))
    operations = [one for path in document["paths"].values() for one in path.values()]
    reads = {
        parameter["name"]
        for operation in operations
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "header"
    }
    sends = {
        name
        for operation in operations
        for answer in operation["responses"].values()
        for name in answer.get("headers", {})
    }
    given: dict[str, Any] = {"INSTALLED_APPS": [], "MIDDLEWARE": []}
    [settings] = [block.text for block in BLOCKS if "CORS_ALLOW_HEADERS" in block.text]
    exec(settings, given)
    allowed = {name.lower() for name in given["CORS_ALLOW_HEADERS"]}
    everywhere = {"x-request-id", "x-wx-api-version"}  # the document has them at no address
    assert allowed == {*given["default_headers"]} | everywhere | {n.lower() for n in reads}
    of_head = {"ETag", "Wx-Size"}  # a HEAD has no place in the document
    assert {*given["CORS_EXPOSE_HEADERS"]} == sends | of_head


def longest(mebibytes: float, seconds: float = INTERACTIVE_SECONDS) -> float:
    """Return the longest wait for an answer: three questions, each after a wait, and the last."""
    return 6 * seconds + 2 * min(SETTLE_SECONDS, seconds) + mebibytes


def test_the_page_names_the_longest_waits() -> None:
    assert f"takes {longest(0):.0f} seconds, plus one" in TEXT.replace("\n", " ")
    assert f"it takes {longest(Options().upload_max_size / 2**20):.0f} seconds" in TEXT
    assert f'``"DEADLINE": 5`` it is {longest(0, 5):.0f} seconds' in TEXT


def test_a_server_and_its_proxy_wait_for_the_largest_file_on_a_condition() -> None:
    waits = re.findall(r"(?:-timeout|proxy_read_timeout) (\d+)", TEXT)
    assert len(waits) == 3
    condition = 2 * INTERACTIVE_SECONDS
    assert f"adds up to {condition:.0f} seconds" in TEXT
    assert min(map(int, waits)) > longest(Options().upload_max_size / 2**20) + condition


@pytest.mark.parametrize(
    ("name", "pattern", "unit"),
    [
        ("requests", r"timeout=\(\d+, (\d+)\)", 1),
        ("curl", r"--max-time (\d+)", 1),
        ("fetch", r"timeout\(([\d_]+)\)", 1000),
        ("wx-upload-file", r"timeout: (\d+)", 1000),
    ],
)
def test_a_client_waits_for_the_answer_to_ten_mebibytes(name: str, pattern: str, unit: int) -> None:
    [wait] = re.findall(pattern, code(name))
    assert int(wait) / unit > longest(10)


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not on this machine")
def test_nginx_reads_its_snippet(tmp_path: Path) -> None:
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    lines = [f"{name}_temp_path {tmp_path}/{name};" for name in places]
    server = f"server {{ listen 127.0.0.1:18080; {code('nginx')} }}"
    http = f"access_log off; {' '.join(lines)} {server}"
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ {http} }}\n", "utf-8"
    )
    command = ["nginx", "-t", "-p", str(tmp_path), "-c", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_block_of_the_page_is_pasted_typed_or_run() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    used = set(re.findall(r'(?:code\(|in_page\(site, page, )["\']([\w-]+)["\']', source))
    assert {name_of(block) for block in BLOCKS} - {""} == used


def name_of(block: Block) -> str:
    """Return the name under which a block must be used here; none if a file or shell takes it."""
    taken = block.caption or block.language in ("console", "pycon")
    return "" if taken else block.name or block.text
