"""The rows B68-B77 of the bad inputs, as data: what is sent, and the status of the answer."""

import time
from collections.abc import Callable

from tests.callback.pushes import (
    AES_KEY,
    APPID,
    TOKEN,
    Push,
    element,
    enciphered,
    encrypted,
    envelope,
    event,
    padded,
    plaintext,
    push,
    query,
    signature,
    signed,
    ticket,
)

FOREIGN = "wx9999999999999999"

Row = tuple[int, Callable[[], Push]]


def changed(**changes: str | None) -> Row:
    """Genuine, but for these parameters."""
    return 403, lambda: push(**changes)


def with_signature(change: Callable[[str], str]) -> Row:
    def make() -> Push:
        encrypt = encrypted(ticket())
        stamp = str(int(time.time()))
        right = signature(TOKEN, stamp, "n", encrypt)
        parameters = query(encrypt, timestamp=stamp, nonce="n", msg_signature=change(right))
        return Push(parameters, envelope(encrypt))

    return 403, make


def stamped(change: Callable[[str], str]) -> Row:
    """Rightly signed, with a timestamp that is the same to a lenient reader."""

    def make() -> Push:
        encrypt, stamp = encrypted(ticket()), change(str(int(time.time())))
        right = signature(TOKEN, stamp, "n", encrypt)
        parameters = query(encrypt, timestamp=stamp, nonce="n", msg_signature=right)
        return Push(parameters, envelope(encrypt))

    return 403, make


def also(more: str) -> Row:
    """Genuine, with a query that goes on."""

    def make() -> Push:
        genuine = push()
        stamp = genuine.query.split("&")[0]
        return Push(f"{genuine.query}&{more or stamp}", genuine.body)

    return 403, make


def body(change: Callable[[str], str | bytes], status: int = 403) -> Row:
    """Genuine and signed, in an envelope that is changed."""

    def make() -> Push:
        genuine = push()
        changed = change(genuine.body.decode())
        return Push(genuine.query, changed.encode() if isinstance(changed, str) else changed)

    return status, make


def sealed(encrypt: Callable[[], str]) -> Row:
    """Signed, whatever it is."""
    return 403, lambda: signed(encrypt())


def blocks(make: Callable[[], bytes]) -> Row:
    return sealed(lambda: enciphered(make()))


def inner(xml: Callable[[], str | bytes]) -> Row:
    return 403, lambda: push(xml())


def first(xml: str, more: str) -> str:
    return xml.replace("<xml>", f"<xml>{more}", 1)


def declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>'


def attributes(count: int) -> str:
    return "".join(f" a{n}=''" for n in range(count))


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


def filled(rest: int) -> bytes:
    """Build a genuine ticket's plaintext, with white space up to this rest of a block."""
    xml = ticket()
    missing = (rest - len(plaintext(xml))) % 32
    return plaintext(first(xml, " " * missing))


def padding(last: bytes) -> Row:
    return blocks(lambda: filled(-len(last) % 32) + last)


ROWS: dict[str, Row] = {
    # B68: the parameters
    "B68-zeros": changed(msg_signature="0" * 40),
    "B68-first-digit": with_signature(lambda s: ("1" if s[0] == "0" else "0") + s[1:]),
    "B68-last-digit": with_signature(lambda s: s[:-1] + ("1" if s[-1] == "0" else "0")),
    "B68-upper-case": with_signature(str.upper),
    "B68-too-long": with_signature(lambda s: s + "0"),
    "B68-too-short": with_signature(lambda s: s[:-1]),
    "B68-newline": with_signature(lambda s: s + "\n"),
    "B68-not-hex": changed(msg_signature="汉" * 40),
    "B68-megabyte": changed(msg_signature="0" * 2**20),
    "B68-another-token": changed(token="planted-another-token"),
    "B68-no-signature": changed(msg_signature=None),
    "B68-empty-signature": changed(msg_signature=""),
    "B68-plain-signature-only": changed(msg_signature=None, signature="0" * 40),
    "B68-no-timestamp": changed(timestamp=None),
    "B68-empty-timestamp": changed(timestamp=""),
    "B68-timestamp-negative": changed(timestamp="-1"),
    "B68-timestamp-float": changed(timestamp="1e9"),
    "B68-timestamp-digits-of-another-script": stamped(
        lambda now: now.translate({ord("0") + n: ord("٠") + n for n in range(10)})
    ),
    "B68-timestamp-with-a-sign": stamped(lambda now: f"+{now}"),
    "B68-timestamp-with-a-space": stamped(lambda now: f" {now}"),
    "B68-timestamp-with-zeros": stamped(lambda now: f"0{now}"),
    "B68-timestamp-too-long": changed(timestamp="1" * 5000),
    "B68-no-nonce": changed(nonce=None),
    "B68-empty-nonce": changed(nonce=""),
    "B68-nonce-too-long": changed(nonce="n" * 129),
    "B68-nonce-with-a-space": changed(nonce="a b"),
    "B68-repeated-timestamp": also(""),
    "B68-repeated-nonce": also("nonce=1320562132"),
    "B68-repeated-signature": also("msg_signature=" + "0" * 40),
    "B68-repeated-other": also("a=1&a=1"),
    "B68-2000-parameters": also("&".join(f"a{n}" for n in range(2000))),
    "B68-no-query": (403, lambda: Push("", push().body)),
    # B69: the window
    "B69-ten-minutes-old": (403, lambda: push(age=600)),
    "B69-ten-minutes-ahead": (403, lambda: push(age=-600)),
    "B69-of-1970": changed(timestamp="0"),
    # B72: another platform
    "B72-envelope": (403, lambda: signed(e := encrypted(ticket()), envelope(e, FOREIGN))),
    "B72-envelope-empty": (403, lambda: signed(e := encrypted(ticket()), envelope(e, ""))),
    "B72-envelope-twice": body(lambda xml: first(xml, element("AppId", APPID))),
    "B72-tail": sealed(lambda: encrypted(ticket(), FOREIGN)),
    "B72-tail-upper-case": sealed(lambda: encrypted(ticket(), APPID.upper())),
    "B72-tail-longer": sealed(lambda: encrypted(ticket(), APPID + "0")),
    "B72-tail-missing": sealed(lambda: encrypted(ticket(), "")),
    "B72-tail-no-text": blocks(lambda: padded(plaintext(ticket(), "") + b"\xff" * 18)),
    "B72-inside": inner(lambda: ticket(AppId=FOREIGN)),
    # B73: XML that only an attacker writes; but for that it is genuine
    "B73-dtd": body(lambda xml: f"<!DOCTYPE xml>{xml}"),
    "B73-dtd-elsewhere": body(lambda xml: f'<!DOCTYPE xml SYSTEM "http://127.0.0.1:1/">{xml}'),
    "B73-entity": body(lambda xml: f'<!DOCTYPE xml [<!ENTITY a "b">]>{first(xml, "<A>&a;</A>")}'),
    "B73-external-entity": body(
        lambda xml: (
            '<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + first(xml, "<A>&a;</A>")
        )
    ),
    "B73-parameter-entity": body(
        lambda xml: f'<!DOCTYPE xml [<!ENTITY % a SYSTEM "http://127.0.0.1:1/"> %a;]>{xml}'
    ),
    "B73-billion-laughs": body(
        lambda xml: f'<!DOCTYPE xml [<!ENTITY a0 "ha">{LAUGHS}]>{first(xml, "<A>&a9;</A>")}'
    ),
    "B73-quadratic-blow-up": body(
        lambda xml: (
            f'<!DOCTYPE xml [<!ENTITY a "{"a" * 30000}">]>' + first(xml, f"<A>{'&a;' * 9000}</A>")
        )
    ),
    "B73-unknown-entity": body(lambda xml: first(xml, "<A>&a;</A>")),
    "B73-instruction": body(lambda xml: first(xml, "<?php echo 1 ?>")),
    "B73-instruction-before": body(lambda xml: f"<?xml-stylesheet href='a'?>{xml}"),
    "B73-utf-7": body(lambda xml: declared("UTF-7") + xml),
    "B73-utf-7-markup": body(lambda xml: xml.encode("utf-7").replace(b"<", b"+ADw-")),
    "B73-utf-16": body(lambda xml: (declared("UTF-16") + xml).encode("utf-16")),
    "B73-utf-16-undeclared": body(lambda xml: xml.encode("utf-16")),
    "B73-utf-16-without-mark": body(lambda xml: xml.encode("utf-16-be")),
    "B73-utf-16-only-declared": body(lambda xml: declared("utf-16") + xml),
    "B73-utf-32": body(lambda xml: xml.encode("utf-32")),
    "B73-latin-1": body(lambda xml: declared("ISO-8859-1") + xml),
    "B73-mark-of-utf-8": body(lambda xml: b"\xef\xbb\xbf" + xml.encode()),
    "B73-not-utf-8": body(lambda xml: first(xml, "<A>é</A>").encode("latin-1")),
    "B73-nul": body(lambda xml: first(xml, "<A>\0</A>")),
    "B73-attribute": body(lambda xml: xml.replace("<xml>", "<xml a='1'>")),
    "B73-6000-attributes": body(lambda xml: xml.replace("<xml>", f"<xml{attributes(6000)}>")),
    "B73-four-deep": body(lambda xml: first(xml, "<A><B><C>1</C></B></A>")),
    "B73-8000-deep": body(lambda xml: first(xml, "<a>" * 8000 + "</a>" * 8000)),
    "B73-20000-open": body(lambda xml: "<a>" * 20000),
    "B73-33-elements": body(lambda xml: first(xml, "<A></A>" * 30)),
    "B73-text-between": body(lambda xml: first(xml, "text")),
    "B73-two-roots": body(lambda xml: xml + xml),
    "B73-no-xml": body(lambda xml: '{"Encrypt": "a"}'),
    "B73-empty": body(lambda xml: ""),
    "B73-200000-deep": body(lambda xml: "<a>" * 200_000 + "</a>" * 200_000, 413),
    "B73-100000-attributes": body(lambda xml: f"<xml{attributes(100_000)}/>", 413),
    "B73-2-megabytes": body(lambda xml: first(xml, f"<A>{'a' * 2**21}</A>"), 413),
    "B73-a-byte-too-long": body(lambda xml: xml + " " * (2**16 + 1 - len(xml)), 413),
    # B74: the ciphertext as text
    "B74-missing": body(lambda xml: element("xml", element("AppId", APPID))),
    "B74-twice": body(lambda xml: first(xml, element("Encrypt", "AAAA"))),
    "B74-empty": body(lambda xml: element("xml", "<Encrypt></Encrypt>")),
    "B74-elements-inside": body(lambda xml: element("xml", "<Encrypt><a>1</a></Encrypt>")),
    "B74-not-base64": sealed(lambda: "not base64!"),
    "B74-base64-of-urls": sealed(lambda: "-_" * 32),
    "B74-not-ascii": sealed(lambda: "汉" * 64),
    "B74-line-break": sealed(lambda: encrypted(ticket()) + "\n"),
    "B74-truncated-base64": sealed(lambda: encrypted(ticket())[:-1]),
    "B74-no-block-multiple": sealed(lambda: encrypted(ticket())[:-4]),
    "B74-half-a-block": sealed(lambda: enciphered(b"\x10" * 16)),
    "B74-no-block": sealed(lambda: "===="),
    # B75: what comes out of the cipher
    "B75-padding-0": padding(b"\0"),
    "B75-padding-33": padding(b"\x21" * 33),
    "B75-padding-255": padding(b"\xff"),
    "B75-padding-255-in-full": padding(b"\xff" * 255),
    "B75-padding-inconsistent": padding(b"\x01\x02"),
    "B75-padding-more-than-all": blocks(lambda: b"\x20" * 16 + b"\x21" * 16),
    "B75-nothing-but-padding": blocks(lambda: b"\x20" * 32),
    "B75-shorter-than-its-head": blocks(lambda: padded(b"a" * 19)),
    "B75-length-0": blocks(lambda: padded(plaintext(ticket(), length=0))),
    "B75-length-beyond": blocks(lambda: padded(plaintext("<a/>", "", length=5))),
    "B75-length-huge": blocks(lambda: padded(plaintext(ticket(), length=2**31 - 1))),
    "B75-length-negative": blocks(lambda: padded(plaintext(ticket(), length=2**32 - 1))),
    "B75-length-least": blocks(lambda: padded(plaintext(ticket(), length=2**31))),
    "B75-another-key": sealed(lambda: encrypted(ticket(), key=AES_KEY[::-1])),
    # B76: what WeChat writes
    "B76-no-xml": inner(lambda: "no xml"),
    "B76-json": inner(lambda: '{"InfoType": "component_verify_ticket"}'),
    "B76-cut": inner(lambda: ticket()[:-1]),
    "B76-dtd": inner(lambda: f"<!DOCTYPE xml>{ticket()}"),
    "B76-not-utf-8": inner(lambda: ticket("\xe9").encode("latin-1")),
    "B76-root-only": inner(lambda: "<xml></xml>"),
    "B76-no-info-type": inner(lambda: event(None, ComponentVerifyTicket="a")),
    "B76-empty-info-type": inner(lambda: event("", ComponentVerifyTicket="a")),
    "B76-two-info-types": inner(lambda: first(ticket(), element("InfoType", "authorized"))),
    "B76-no-create-time": inner(lambda: ticket(CreateTime=None)),
    "B76-create-time-no-number": inner(lambda: ticket(CreateTime="soon")),
    "B76-create-time-negative": inner(lambda: ticket(CreateTime="-1")),
    "B76-create-time-beyond-64-bits": inner(lambda: ticket(CreateTime="9" * 20)),
    "B76-create-time-tomorrow": inner(lambda: ticket(age=-86400)),
    # B77: the ticket
    "B77-missing": inner(lambda: event()),
    "B77-empty": inner(lambda: ticket("")),
    "B77-513-bytes": inner(lambda: ticket("t" * 513)),
    "B77-space": inner(lambda: ticket("a b")),
    "B77-newline": inner(lambda: ticket("ticket\n")),
    "B77-control": inner(lambda: ticket("a\x7fb")),
    "B77-not-ascii": inner(lambda: ticket("票")),
    "B77-elements-inside": inner(lambda: ticket("<a>1</a>")),
    "B77-twice": inner(lambda: first(ticket(), element("ComponentVerifyTicket", "a"))),
}
