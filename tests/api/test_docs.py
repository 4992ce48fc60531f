"""docs/howto/api.rst: each of its snippets is run as printed, and its tables are whole."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import include, path, resolve
from rest_framework.permissions import IsAdminUser
from rest_framework.test import APIRequestFactory, force_authenticate

from tests.api.conftest import PNG
from tests.api.servers import ROOT, TOKEN, Site, serving
from tests.conftest import ENV
from wx_static_store.api import operations, parameters, problems, urls
from wx_static_store.conf.options import Options
from wx_static_store.emulator import EmulatorServer
from wx_static_store.upload.store import INTERACTIVE_SECONDS

PAGE = (ROOT / "docs" / "howto" / "api.rst").read_text(encoding="utf-8")
FILM = b"\0\0\0\x20ftypisom"
browser = pytest.mark.skipif(
    "WX_REQUIRE_BROWSER" not in os.environ, reason="WX_REQUIRE_BROWSER=1 runs it, in Chromium"
)


def snippet(name: str) -> str:
    found = re.search(rf":name: {name}\n\n((?:    .*\n|\n)+)", PAGE)
    assert found, f"docs/howto/api.rst has no code block named {name}"
    return textwrap.dedent(found[1])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("docs")
    (folder / "tea.png").write_bytes(PNG)
    (folder / "film.mp4").write_bytes(FILM)
    with (
        EmulatorServer(envs=(ENV,)) as cloud,
        serving(Site(cloud, folder), "gunicorn threads") as site,
    ):
        curl(site, "curl-form")  # the row 1
        yield site


@pytest.fixture(autouse=True)
def _nothing_stored(request: pytest.FixtureRequest) -> None:
    if "site" in request.fixturenames:
        cloud = request.getfixturevalue("site").cloud
        for key in cloud.objects():
            cloud.delete_object(key)


def curl(site: Site, name: str) -> Any:
    """Return the printed JSON."""
    script = snippet(name).replace("https://example.com", site.url)
    command = ["bash", "-euc", script]
    environment = {**os.environ, "TOKEN": TOKEN}
    done = subprocess.run(
        command, cwd=site.folder, env=environment, capture_output=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def test_the_example_with_curl_uploads_by_a_form(site: Site) -> None:
    reply = curl(site, "curl-form")
    assert site.cloud.objects()["uploads/tea.png"].body == PNG
    assert reply["url"] == f"{site.cloud.site_url()}/uploads/tea.png"


def test_the_answer_has_the_members_that_are_printed(site: Site) -> None:
    assert list(curl(site, "curl-form")) == list(json.loads(snippet("answer")))


def test_the_example_with_curl_uploads_bytes(site: Site) -> None:
    site.cloud.put_object("uploads/film.mp4", b"old")
    curl(site, "curl-raw")
    assert site.cloud.objects()["uploads/film.mp4"].body == FILM


def test_curl_replaces_nothing_on_the_condition_that_nothing_is_there(site: Site) -> None:
    site.cloud.put_object("uploads/film.mp4", b"old")
    assert curl(site, "curl-new-only")["code"] == "precondition"
    assert site.cloud.objects()["uploads/film.mp4"].body == b"old"


def test_curl_without_a_login_is_a_stranger(site: Site) -> None:
    assert curl(site, "curl-stranger")["code"] == "not_authenticated"
    assert site.cloud.objects() == {}


def test_curl_reads_the_log(site: Site) -> None:
    curl(site, "curl-form")
    [newest, *_older] = curl(site, "curl-log")["results"]
    assert (newest["key"], newest["source"]) == ("uploads/tea.png", "api")


def test_curl_lists_what_is_in_the_cloud(site: Site) -> None:
    site.cloud.put_object("uploads/b.png", PNG)
    assert [file["name"] for file in curl(site, "curl-files")["results"]] == ["uploads/b.png"]


def test_curl_sends_a_row_again_or_hears_why_not(site: Site) -> None:
    """A newer upload of its file is in the log."""
    curl(site, "curl-form")
    assert curl(site, "curl-retry")["code"] == "gone"


def test_the_example_with_requests_uploads_a_file(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(site.folder)
    code = snippet("requests").replace("https://example.com", site.url)
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "docs/howto/api.rst, requests", "exec"), {"TOKEN": TOKEN})
    [key] = site.cloud.objects()
    assert printed.getvalue() == f"{site.cloud.site_url()}/{key}\n"
    assert site.cloud.objects()[key].body == PNG


def test_bytes_get_a_name_that_nobody_can_guess(site: Site) -> None:
    """The parameters of the form that stand in the address."""
    [address] = re.findall(r"https://example.com([^?]+)", snippet("curl-raw"))
    status, reply = site.send("PUT", f"{address}?generate=true", FILM)
    assert status == 201
    assert re.fullmatch(r"uploads/[0-9a-f]{32}\.mp4", json.loads(reply)["name"])
    assert list(site.cloud.objects()) == [json.loads(reply)["key"]]


# --- what a project writes ------------------------------------------------------------------------


def test_the_example_of_urls_includes_the_addresses_of_the_api() -> None:
    given: dict[str, Any] = {"path": path, "include": include}
    exec(snippet("urls"), given)
    found = resolve("/wx/stores/", tuple(given["urlpatterns"]))
    assert found.view_name == "wx_static_store:stores"


@pytest.mark.django_db
@pytest.mark.parametrize(("staff", "status"), [(True, 200), (False, 403)])
def test_the_page_of_the_schema_is_for_its_readers(settings: Any, staff: bool, status: int) -> None:
    from drf_spectacular import views

    given = {"path": path, "IsAdminUser": IsAdminUser} | vars(views)
    exec(snippet("schema"), given)
    settings.ROOT_URLCONF = "tests.api.urls"
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, *given["INSTALLED_APPS"][1:]]
    request = APIRequestFactory().get("/schema/")
    force_authenticate(request, User(username="ann", is_staff=staff))
    view = resolve("/schema/", tuple(given["urlpatterns"])).func
    assert view(request).status_code == status


def test_the_examples_of_server_and_proxy_wait_for_the_largest_file() -> None:
    longest = 2 * 3 * INTERACTIVE_SECONDS + Options().upload_max_size / 2**20
    waits = re.findall(r"(?:-timeout|proxy_read_timeout) (\d+)", PAGE)
    assert len(waits) == 3
    assert min(map(int, waits)) > longest
    assert f"waits for up to {longest:.0f} seconds" in PAGE


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not on this machine")
def test_nginx_accepts_the_example_of_its_configuration(tmp_path: Path) -> None:
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    lines = [f"{name}_temp_path {tmp_path}/{name};" for name in places]
    server = f"server {{ listen 127.0.0.1:18080; {snippet('nginx')} }}"
    http = f"access_log off; {' '.join(lines)} {server}"
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ {http} }}\n", "utf-8"
    )
    command = ["nginx", "-t", "-p", str(tmp_path), "-c", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_nginx_sample_names_the_address_of_django() -> None:
    assert re.search(r"^ +proxy_pass http://[\w.:]+;", snippet("nginx"), re.MULTILINE)


# --- in a browser ---------------------------------------------------------------------------------


@pytest.fixture
def page(site: Site, chromium: Any) -> Iterator[Any]:
    """Open a page of the same site in Chromium; `ann` is logged in."""
    page = chromium.new_page()
    page.goto(f"{site.url}/login/")
    yield page
    page.close()


@browser
def test_the_example_with_fetch_uploads_the_file_of_an_input(site: Site, page: Any) -> None:
    page.set_input_files("#file", site.folder / "tea.png")
    call = "upload(document.querySelector('#file').files[0])"
    url = page.evaluate(f"async () => {{ {snippet('fetch')}\nreturn await {call}; }}")
    assert url == f"{site.cloud.site_url()}/uploads/tea.png"
    assert site.cloud.objects()["uploads/tea.png"].body == PNG


@browser
def test_the_example_of_a_mini_program_uploads_a_file(site: Site, page: Any) -> None:
    """Its call is run with a `wx` that sends what WeChat's sends: the fields, then the file."""
    call = page.evaluate(
        """([code, token, path]) => {
            const wx = {uploadFile: (options) => { wx.asked = options; }};
            new Function("wx", "token", "path", code)(wx, token, path);
            const {success, ...reply} = wx.asked;
            return reply;
        }""",
        [snippet("wx-upload-file"), TOKEN, "tmp_0a1b2c.png"],
    )
    status, answer = upload_file(site, call, PNG)
    assert status == 201
    assert site.cloud.objects()[answer["key"]].body == PNG
    shown = page.evaluate(
        """([code, res]) => {
            let said;
            const wx = {uploadFile: (options) => options.success(res)};
            const names = ["wx", "token", "path", "show", "complain"];
            const say = (text) => { said = text; };
            new Function(...names, code)(wx, "", "", say, say);
            return said;
        }""",
        [snippet("wx-upload-file"), {"statusCode": status, "data": json.dumps(answer)}],
    )
    assert shown == f"{site.cloud.site_url()}/{answer['key']}"


def upload_file(site: Site, call: dict[str, Any], content: bytes) -> tuple[int, Any]:
    """Send what ``wx.uploadFile`` sends: a POST with one file in the field `name`, at the end."""
    boundary = "----WechatBoundary7MA4YWxk"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in call["formData"].items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{call["name"]}"; '
        f'filename="{call["filePath"]}"\r\nContent-Type: image/png\r\n\r\n'.encode()
    )
    body = b"".join([*parts, content, f"\r\n--{boundary}--\r\n".encode()])
    headers = call["header"] | {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    assert call["url"].startswith("https://example.com/")
    path = call["url"].removeprefix("https://example.com")
    status, reply = site.send("POST", path, body, headers)
    return status, json.loads(reply)


# --- the whole page -------------------------------------------------------------------------------


def test_every_code_block_has_a_name_and_is_run() -> None:
    """But for a gunicorn with somebody's project."""
    blocks = re.findall(r"^\.\. code-block:: \w+\n(?: +:name: ([\w-]+)\n)?", PAGE, re.MULTILINE)
    source = Path(__file__).read_text(encoding="utf-8")
    used = re.findall(r'(?:snippet\(|curl\(site, )["\']([\w-]+)["\']', source)
    assert sorted({*blocks} - {"gunicorn"}) == sorted({*used})


# --- the tables -----------------------------------------------------------------------------------


def test_every_problem_is_documented_and_no_other() -> None:
    reply = dict(re.findall(r"^``(\w+)`` +(\d{3})\b", PAGE, re.MULTILINE))
    assert reply == {code: str(status) for code, (status, _text) in problems.PROBLEMS.items()}


def test_every_address_is_documented_and_no_other() -> None:
    reply = re.findall(r"^``(GET|POST|PUT) ([^`]+)`` ", PAGE, re.MULTILINE)
    known = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern)))
        for pattern in urls.urlpatterns
        for method in pattern.callback.cls.needs  # type: ignore[attr-defined]
    }
    assert set(reply) == known


def first_columns() -> list[set[str]]:
    """Return the names in the first column of each table."""
    tables = re.findall(r"^=+(?: +=+)+\n((?:[^=\n].*\n)+)=+(?: +=+)+$", PAGE, re.MULTILINE)
    cells = (re.findall(r"^``(\w+)``  *\S", table, re.MULTILINE) for table in tables)
    return [set(names) for names in cells]


@pytest.mark.parametrize("serializer", [parameters.LogQuery, parameters.Form])
def test_every_field_is_documented_and_no_other(serializer: Any) -> None:
    assert set(serializer().fields) in first_columns()


def test_the_example_of_the_docs_is_that_of_the_schema() -> None:
    assert json.loads(snippet("answer")) == operations._UPLOADED
