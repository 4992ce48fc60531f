"""The emulator as a command: `python -m wx_static_store.emulator`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .directory import claimed
from .greeting import greeting
from .language import marked, translate, translate_argparse
from .manual import manual
from .quirks import BadInput, parse_quirk
from .server import ACCESS_TOKEN, APPID, APPSECRET, TICKET, EmulatorServer
from .tickets import PUSH_AES_KEY, PUSH_TOKEN


def _option(name: str, text: str, /, **how: Any) -> tuple[str, dict[str, Any]]:
    return name, {"help": text, **how}


_OPTIONS = (
    _option(
        "--port",
        "API port; environments follow (default: %(default)s; 0: any that are free)",
        type=int,
        default=8900,
    ),
    _option("--host", "loopback address to bind (default: %(default)s)", default="127.0.0.1"),
    _option(
        "--env", "environment id, repeatable (default: demo-1a2b3c4d5e6f7g8h)", action="append"
    ),
    _option(
        "--directory",
        "folder for the objects, which survive a restart (default: %(default)s)",
        default=".wx-emulator",
    ),
    _option("--memory", "forget the objects at the end", action="store_true"),
    _option(
        "--appid",
        "component_appid that the token call accepts (default: %(default)s)",
        default=APPID,
    ),
    _option(
        "--appsecret",
        "component_appsecret that belongs to it (default: %(default)s)",
        default=APPSECRET,
    ),
    _option(
        "--ticket",
        "component_verify_ticket, as if pushed at the start; good for 12 hours "
        "(default: %(default)s)",
        default=TICKET,
    ),
    _option(
        "--access-token",
        "component_access_token that is good at once and of any age, until another is "
        "fetched (default: %(default)s)",
        default=ACCESS_TOKEN,
    ),
    _option(
        "--push-token",
        "text that signs pushes, the receiver's CALLBACK_TOKEN (default: %(default)s)",
        default=PUSH_TOKEN,
    ),
    _option(
        "--push-aes-key",
        "43 characters of base64, the receiver's CALLBACK_AES_KEY (default: %(default)s)",
        default=PUSH_AES_KEY,
    ),
    _option("--push-url", "push verify tickets to this address on loopback", metavar="URL"),
    _option(
        "--push-seconds",
        "the first ticket at the start, then one every N seconds (default: %(default)s)",
        type=float,
        default=600,
        metavar="N",
    ),
    _option("--tls-cert", "certificate: serve https on every port, with --tls-key", metavar="PEM"),
    _option("--tls-key", "private key of the certificate", metavar="PEM"),
    _option("--profile", "JSON file of quirks; --set overrides it", metavar="FILE"),
    _option("--set", "a quirk, repeatable", action="append", default=[], metavar="NAME=VALUE"),
    _option("--fault", "a fault, repeatable", action="append", default=[], metavar="JSON"),
    _option("--verbose", "one line for each request, on stderr", action="store_true"),
)
_EITHER = ("--directory", "--memory")
_OF_SERVER = (  # what EmulatorServer takes as it stands
    *("appid", "appsecret", "ticket", "access_token"),
    *("push_url", "push_seconds", "push_token", "push_aes_key"),
)


def main(argv: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM."""
    translate_argparse()
    parser = _translated(_parser())
    options = parser.parse_args(argv)
    folder = None if options.memory else Path(options.directory).absolute()
    with ExitStack() as stack:
        try:
            if folder:
                stack.enter_context(claimed(folder))
            server = stack.enter_context(_server(options, folder))
        except BadInput as error:
            parser.error(str(error))
        except OSError as error:
            text = marked("{error}; name another port with --port, or 0 for one that is free")
            parser.error(translate(text, error=error))
        _run(server, folder)
    return 0


def _run(server: EmulatorServer, folder: Path | None) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    sys.stdout.write(greeting(server, folder))
    sys.stdout.flush()
    stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wx_static_store.emulator",
        description=marked("WeChat's open platform, Tencent COS and the hosted site, on loopback."),
        formatter_class=argparse.RawDescriptionHelpFormatter,  # keeps the lines of the manual
    )
    either = parser.add_mutually_exclusive_group()
    for name, how in _OPTIONS:
        (either if name in _EITHER else parser).add_argument(name, **how)
    return parser


def _translated(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.description, parser.epilog = translate(str(parser.description)), manual()
    for action in parser._actions:
        action.help = translate(str(action.help))
    return parser


def _server(options: argparse.Namespace, folder: Path | None) -> EmulatorServer:
    if (options.tls_cert is None) != (options.tls_key is None):
        raise BadInput("--tls-cert and --tls-key go together: a certificate and its private key")
    tls = (options.tls_cert, options.tls_key) if options.tls_cert is not None else None
    given = {name: getattr(options, name) for name in _OF_SERVER}
    given |= {"envs": options.env, "directory": folder, "tls": tls}
    given |= {"log": sys.stderr if options.verbose else None}
    known: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    server = EmulatorServer(host=options.host, port=options.port, **known)
    profile = _profile(options.profile) if options.profile is not None else {}
    server.quirks.update(profile | dict(parse_quirk(text) for text in options.set))
    server.script(*(_fault(text) for text in options.fault))
    return server


def _profile(path: str) -> dict[str, Any]:
    try:
        profile = json.loads(Path(path).read_bytes())
    except OSError as error:
        why = translate(str(error.strerror))
        raise BadInput("--profile {path}: {why}", path=path, why=why) from None
    except ValueError as error:
        raise BadInput("--profile {path}: not JSON: {error}", path=path, error=error) from None
    if not isinstance(profile, dict):
        example = '{"cors": true}'
        raise BadInput(
            "--profile {path}: not an object such as {example}", path=path, example=example
        )
    return profile


def _fault(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadInput("--fault {text}: not JSON: {error}", text=text, error=error) from None


if __name__ == "__main__":
    sys.exit(main())
