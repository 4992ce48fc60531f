"""The emulator as a command: `python -m wx_static_store.emulator`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from .chinese import said, said_by_argparse
from .directory import claimed
from .greeting import greeting
from .manual import manual
from .quirks import BadInput, parse_quirk
from .server import ACCESS_TOKEN, APPID, APPSECRET, TICKET, EmulatorServer
from .tickets import PUSH_AES_KEY, PUSH_TOKEN

_PORT = "{error}; name another port with --port, or 0 for one that is free"
_PAIR = "--tls-cert and --tls-key go together: a certificate and its private key"
_NO_JSON = "--fault {text}: not JSON: {error}"
_OPTIONS: dict[str, dict[str, Any]] = {
    "--port": {
        "type": int,
        "default": 8900,
        "help": "API port; environments follow (default: %(default)s; 0: any that are free)",
    },
    "--host": {
        "default": "127.0.0.1",
        "help": "loopback address to bind (default: %(default)s)",
    },
    "--env": {
        "action": "append",
        "help": "environment id, repeatable (default: demo-1a2b3c4d5e6f7g8h)",
    },
    "--directory": {
        "default": ".wx-emulator",
        "help": "folder for the objects, which survive a restart (default: %(default)s)",
    },
    "--memory": {"action": "store_true", "help": "forget the objects at the end"},
    "--appid": {
        "default": APPID,
        "help": "component_appid that the token call accepts (default: %(default)s)",
    },
    "--appsecret": {
        "default": APPSECRET,
        "help": "component_appsecret that belongs to it (default: %(default)s)",
    },
    "--ticket": {
        "default": TICKET,
        "help": "component_verify_ticket, as if pushed at the start; good for 12 hours "
        "(default: %(default)s)",
    },
    "--access-token": {
        "default": ACCESS_TOKEN,
        "help": "component_access_token that is good at once and of any age, until another is "
        "fetched (default: %(default)s)",
    },
    "--push-token": {
        "default": PUSH_TOKEN,
        "help": "text that signs pushes, the receiver's CALLBACK_TOKEN (default: %(default)s)",
    },
    "--push-aes-key": {
        "default": PUSH_AES_KEY,
        "help": "43 characters of base64, the receiver's CALLBACK_AES_KEY (default: %(default)s)",
    },
    "--push-url": {"metavar": "URL", "help": "push verify tickets to this address on loopback"},
    "--push-seconds": {
        "type": float,
        "default": 600,
        "metavar": "N",
        "help": "the first ticket at the start, then one every N seconds (default: %(default)s)",
    },
    "--tls-cert": {
        "metavar": "PEM",
        "help": "certificate: serve https on every port, with --tls-key",
    },
    "--tls-key": {"metavar": "PEM", "help": "private key of the certificate"},
    "--profile": {"metavar": "FILE", "help": "JSON file of quirks; --set overrides it"},
    "--set": {
        "action": "append",
        "default": [],
        "metavar": "NAME=VALUE",
        "help": "a quirk, repeatable",
    },
    "--fault": {
        "action": "append",
        "default": [],
        "metavar": "JSON",
        "help": "a fault, repeatable",
    },
    "--verbose": {"action": "store_true", "help": "one line for each request, on stderr"},
}
_EITHER = ("--directory", "--memory")
_OF_SERVER = (  # what EmulatorServer takes as it stands
    *("appid", "appsecret", "ticket", "access_token"),
    *("push_url", "push_seconds", "push_token", "push_aes_key"),
)


def main(argv: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM."""
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
            parser.error(said(_PORT, error=error))
        _run(server, folder)
    return 0


def _run(server: EmulatorServer, folder: Path | None) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    sys.stdout.write(greeting(server, folder))
    sys.stdout.flush()
    stop.wait()


class _Help(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the manual."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: Any = None) -> None:
        super().add_usage(usage, actions, groups, prefix or said("usage: "))


class _Parser(argparse.ArgumentParser):
    """Refuses in the language of the terminal."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        text = said("{prog}: error: {why}", prog=self.prog, why=said_by_argparse(message))
        self.exit(2, f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m wx_static_store.emulator",
        description="WeChat's open platform, Tencent COS and the hosted site, on loopback.",
        formatter_class=_Help,
    )
    either = parser.add_mutually_exclusive_group()
    for name, how in _OPTIONS.items():
        (either if name in _EITHER else parser).add_argument(name, **how)
    return parser


def _translated(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.description, parser.epilog = said(str(parser.description)), manual()
    parser._optionals.title = said("options")
    for action in parser._actions:
        action.help = said(str(action.help))
    return parser


def _server(options: argparse.Namespace, folder: Path | None) -> EmulatorServer:
    if (options.tls_cert is None) != (options.tls_key is None):
        raise BadInput(_PAIR)
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
        why = said(str(error.strerror))
        raise BadInput("--profile {path}: {why}", path=path, why=why) from None
    except ValueError as error:
        raise BadInput("--profile {path}: not JSON: {error}", path=path, error=error) from None
    if not isinstance(profile, dict):
        text, example = "--profile {path}: not an object such as {example}", '{"cors": true}'
        raise BadInput(text, path=path, example=example)
    return profile


def _fault(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadInput(_NO_JSON, text=text, error=error) from None


if __name__ == "__main__":
    sys.exit(main())
