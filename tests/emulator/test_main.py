"""The command, as a user of any language meets it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from wx_static_store.emulator.__main__ import main
from wx_static_store.emulator.tickets import PUSH_AES_KEY

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "wx_static_store.emulator"]


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run the command in its own process; give what it printed until `ready`."""
    process = subprocess.Popen(
        [*COMMAND, *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        try:
            yield process, list(iter(lambda: process.stdout.readline().rstrip("\n"), "ready"))  # type: ignore[union-attr]
        finally:
            process.kill()


def exchange(method: str, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """One request with the standard library."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request(method, f"{parts.path}?{parts.query}", body, headers)
    answer = connection.getresponse()
    result = answer.status, answer.read()
    connection.close()
    return result


def setting(lines: list[str], name: str) -> str:
    """Return the value of one of the lines printed at the start."""
    return next(line.removeprefix(name).strip() for line in lines if line.startswith(name))


def test_the_command_serves_an_upload_and_ends_at_sigterm() -> None:
    """Start, link, PUT, look, stop by SIGTERM; the log shows no signature and no token."""
    with running("--env", "demo-1", "--access-token", "TOKEN-1", "--verbose") as (process, lines):
        api = setting(lines, "api_base_url")
        assert setting(lines, "access token") == "TOKEN-1"
        asked = json.dumps({"env": "demo-1", "filename": "a.css"}).encode()
        url = f"{api}/componenttcb/staticuploadfile?access_token=TOKEN-1"
        link = json.loads(exchange("POST", url, asked, {})[1])
        token = {"x-cos-security-token": link["token"]}
        assert exchange("PUT", link["signed_url"], b"a{}", token)[0] == 200
        site = setting(lines, "environment").rpartition(" ")[2]
        assert exchange("GET", f"{site}/a.css", b"", {}) == (200, b"a{}")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "PUT /a.css demo-1 200\n" in log
    assert not any(secret in log for secret in ("TOKEN-1", link["token"], "q-signature"))


def test_ctrl_c_ends_the_command_without_a_traceback() -> None:
    """No traceback, exit code 0."""
    with running() as (process, _):
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=10)
    assert (process.returncode, log) == (0, "")


def test_tickets_are_pushed_and_logged() -> None:
    """To the address given; what the receiver must know is printed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/wx/"
        more = ("--push-seconds", "0.5", "--push-token", "TOKEN-2", "--verbose")
        with running("--push-url", url, *more) as (process, lines):
            for _ in range(2):
                connection, _address = listening.accept()
                with connection:
                    assert connection.recv(64).startswith(b"POST /wx/?signature=")
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=10)
    assert setting(lines, "tickets pushed to") == f"{url}  every 0.5 seconds"
    assert setting(lines, "callback token") == "TOKEN-2"
    assert setting(lines, "callback aes key") == PUSH_AES_KEY
    assert log.startswith("PUSH /wx/ plain no answer ")


def test_quirks_and_faults_can_be_given_on_the_command_line() -> None:
    """Quirks and faults from the command line; environments on the ports that follow."""
    fault = '{"on": "describestaticstore", "do": "errcode", "errcode": -1}'
    with running("--set", "data_key=data", "--set", "cors=true", "--fault", fault) as (_, lines):
        api = setting(lines, "api_base_url")
        state = json.loads(exchange("GET", f"{api}/__emulator__/state", b"", {})[1])
    assert (state["quirks"]["data_key"], state["quirks"]["cors"]) == ("data", True)
    assert state["faults"] == 1


def test_the_help_shows_the_default_of_each_credential(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its own text, and shows its default."""
    monkeypatch.setenv("COLUMNS", "200")  # no line breaks within a default
    with pytest.raises(SystemExit):
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    for words in (
        "component_appid that the token call accepts (default: wx0000000000000001)",
        "component_appsecret that belongs to it (default: emulator-appsecret)",
        "good for 12 hours (default: emulator-ticket)",
        "until another is fetched (default: emulator-access-token)",
        "the receiver's CALLBACK_TOKEN (default: emulatorCallbackToken)",
        f"the receiver's CALLBACK_AES_KEY (default: {PUSH_AES_KEY})",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--set", "pagesize=2"], "did you mean 'page_size'"),
        (["--set", "page_size"], "not of the form name=value"),
        (["--set", "page_size=two"], "takes a whole number"),
        (["--fault", "{"], "not JSON"),
        (["--fault", '{"on": "put_object", "do": "rest"}'], "did you mean 'reset'"),
        (["--host", "0.0.0.0"], "loopback only"),
        (["--env", "a b"], "no environment id"),
        (["--push-url", "http://example.com/"], "loopback only"),
        (["--push-url", "http://127.0.0.1:1/", "--push-seconds", "0"], "seconds above 0"),
        (["--push-url", "http://127.0.0.1:1/", "--push-aes-key", "x"], "43 characters"),
        (["--tls-cert", "cert.pem"], "--tls-cert and --tls-key go together"),
        (["--tls-cert", "no.pem", "--tls-key", "no.pem"], "TLS needs a certificate"),
    ],
)
def test_a_wrong_option_is_refused_with_the_fix(
    capsys: pytest.CaptureFixture[str], options: list[str], text: str
) -> None:
    """Exit code 2 and one clear line."""
    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2
    assert text in capsys.readouterr().err
