"""The command, as a user of any language meets it."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest

from tests.tables import each
from wx_static_store.emulator import EmulatorServer
from wx_static_store.emulator.__main__ import main
from wx_static_store.emulator.tickets import PUSH_AES_KEY

from .command import exchange, running, setting

ANY = ("--port", "0", "--memory")  # of a run that leaves nothing behind


def test_the_command_serves_an_upload_and_ends_at_sigterm() -> None:
    """Start, link, PUT, look, stop by SIGTERM; the log shows no signature and no token."""
    with running(*ANY, "--env", "demo-1", "--access-token", "TOKEN-1", "--verbose") as (
        process,
        lines,
    ):
        api = setting(lines, "API_BASE_URL")
        assert setting(lines, "ACCESS_TOKEN") == "TOKEN-1"
        asked = json.dumps({"env": "demo-1", "filename": "a.css"}).encode()
        url = f"{api}/componenttcb/staticuploadfile?access_token=TOKEN-1"
        link = json.loads(exchange("POST", url, asked, {})[1])
        token = {"x-cos-security-token": link["token"]}
        assert exchange("PUT", link["signed_url"], b"a{}", token)[0] == 200
        site = setting(lines, "BASE_URL")
        assert exchange("GET", f"{site}/a.css", b"", {}) == (200, b"a{}")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "PUT /a.css demo-1 200\n" in log
    assert not any(secret in log for secret in ("TOKEN-1", link["token"], "q-signature"))


def test_ctrl_c_ends_the_command_without_a_traceback() -> None:
    """No traceback, exit code 0."""
    with running(*ANY) as (process, _):
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=10)
    assert (process.returncode, log) == (0, "")


def test_tickets_are_pushed_and_logged() -> None:
    """To the address given; what the receiver must know is printed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/wx/"
        more = ("--push-seconds", "0.5", "--push-token", "TOKEN-2", "--verbose")
        with running(*ANY, "--push-url", url, *more) as (process, lines):
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
    with running(*ANY, "--set", "data_key=data", "--set", "cors=true", "--fault", fault) as (
        _,
        lines,
    ):
        api = setting(lines, "API_BASE_URL")
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


@each(
    ("options", "text"),
    [
        (["--set", "pagesize=2"], "did you mean 'page_size'"),
        (["--set", "page_size"], "not of the form name=value"),
        (["--set", "page_size=two"], "takes a whole number"),
        (["--fault", "{"], "not JSON"),
        (["--fault", '{"on": "put_object", "do": "rest"}'], "did you mean 'reset'"),
        (["--host", "0.0.0.0"], "loopback only"),
        (["--env", "a b"], "no environment id"),
        (["--port", "65536"], "cannot listen on 127.0.0.1:65536"),
        (["--memory", "--directory", "x"], "not allowed with argument --memory"),
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
        main([*options, *([] if "--memory" in options else ["--memory"])])
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


def test_a_bad_folder_is_refused_with_the_fix(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "other.txt").touch()
    assert refusal(capsys, "--directory", str(tmp_path)) == (
        f"{tmp_path} has files that are not an emulator's; "
        "name another folder with --directory, or keep no files with --memory"
    )


def test_in_memory_nothing_is_written(tmp_path: Path) -> None:
    with running(*ANY, cwd=tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def refusal(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """Return the last line of the command, which ends with 2."""
    with pytest.raises(SystemExit) as caught:
        main(list(options))
    assert caught.value.code == 2
    return capsys.readouterr().err.splitlines()[-1].partition("error: ")[2]


def test_a_taken_port_is_named_with_the_option_for_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with EmulatorServer() as other:
        port = other.api_url.rpartition(":")[2]
        assert refusal(capsys, "--memory", "--port", port) == (
            f"cannot listen on 127.0.0.1:{port}: Address already in use; "
            "name another port with --port, or 0 for one that is free"
        )


def test_a_profile_sets_quirks_and_set_goes_before_it(tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text('{"cors": true, "page_size": 2, "api_date_skew": -3}')
    with running(*ANY, "--profile", str(profile), "--set", "page_size=5") as (_, lines):
        api = setting(lines, "API_BASE_URL")
        quirks = json.loads(exchange("GET", f"{api}/__emulator__/state", b"", {})[1])["quirks"]
    shown = [quirks[name] for name in ("cors", "page_size", "api_date_skew")]
    assert shown == [True, 5, -3]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "No such file"),
        ("{", "not JSON"),
        ("[]", 'not an object such as {"cors": true}'),
        ('{"corse": true}', "did you mean 'cors'"),
    ],
)
def test_a_wrong_profile_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, text: str
) -> None:
    profile = tmp_path / "profile.json"
    if content is not None:
        profile.write_text(content)
    with pytest.raises(SystemExit):
        main([*ANY, "--profile", str(profile)])
    assert text in capsys.readouterr().err
