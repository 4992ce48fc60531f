"""The switches: where the documents are silent or differ, the emulator can do either."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import reduce
from typing import Any

from .language import marked, translate

_MOST = 1e15  # of a number: larger than any sensible one, and finite


class BadInput(ValueError):
    """An unknown or wrong value; the text says what is valid, in the language of the terminal."""

    def __init__(self, text: str, /, **parts: object) -> None:
        super().__init__(translate(text, **parts))


def unknown(kind: str, name: str, valid: list[str], **parts: object) -> BadInput:
    """Return the error for an unknown name, with the nearest valid one and all of them."""
    near = difflib.get_close_matches(name, valid, 1)
    hint = translate("did you mean {near!r}? ", near=near[0]) if near else ""
    known = {"kind": translate(kind, **parts), "name": name, "valid": ", ".join(valid)}
    return BadInput("unknown {kind} {name!r}: {hint}valid are {valid}", hint=hint, **known)


def _quirk(default: Any, text: str, *choices: str, least: float = 0) -> Any:
    return field(default=default, metadata={"text": text, "choices": choices, "least": least})


@dataclass
class Quirks:
    """All switches, each with its default: the sample of the documents."""

    data_key: str = _quirk("Data", "member of describestaticstore", "Data", "data")
    region_key: str = _quirk("regoin", "the region's member there", "regoin", "region")
    describe_empty: str = _quirk(
        "null", "no hosting: what describe holds", "null", "[]", "missing", "no_domain"
    )
    list_empty: str = _quirk("[]", "contents of an empty list", "[]", "null", "missing")
    truncated_as: str = _quirk("bool", "is_truncated is a", "bool", "string")
    marker: str = _quirk("exclusive", "does a page repeat its marker", "exclusive", "inclusive")
    page_size: int = _quirk(1000, "keys on a page of staticfilelist", least=1)
    list_md5: str = _quirk("plain", "md5 in lists; multipart = <32 hex>-1", "plain", "multipart")
    list_lag_seconds: float = _quirk(
        0.0, "staticfilelist shows a write or a deletion this many seconds later"
    )
    errcode_as: str = _quirk("number", "errcode is a", "number", "string")
    content_type: str = _quirk(
        "application/json; encoding=utf-8",
        "Content-Type of WeChat's answers",
        "application/json; encoding=utf-8",
        "text/plain",
    )
    check_signature_at: str = _quirk("start", "when a PUT's link is checked", "start", "end")
    link_seconds: float = _quirk(60.0, "life of a link")
    token_seconds: float = _quirk(7200.0, "life of a component_access_token")
    grace_seconds: float = _quirk(300.0, "life of the old token after a new one was fetched")
    ticket_seconds: float = _quirk(43200.0, "life of each verify ticket, whatever comes after it")
    pushing: bool = _quirk(True, "tickets are pushed; api_start_push_ticket switches it on again")
    site_stale_seconds: float = _quirk(0.0, "the site serves the old bytes this long (CDN)")
    site_cache_busting: bool = _quirk(True, "a query string skips the stale copy")
    cdn_cache_control: str = _quirk(
        "kept", "Cache-Control of the site: the object's own (kept), none, or this text"
    )
    edge: str = _quirk("cdn", "serves the site: CloudBase's CDN or EdgeOne", "cdn", "eo")
    edge_gzip: str = _quirk(
        "kept",
        "an object with Content-Encoding: gzip, for a client without gzip; plain: decoded for "
        "every client; dropped: it only loses that header",
        "kept",
        "decoded",
        "plain",
        "dropped",
    )
    attachment: str = _quirk(
        "off", "the site's files are downloads, except in a HEAD (get)", "off", "get", "all"
    )
    notice_page: str = _quirk(
        "off",
        "a browser sees a notice first, by a redirect or in place of the page (200); other "
        "requests get attachments",
        "off",
        "302",
        "200",
    )
    folder_without_slash: str = _quirk(
        "serve", "GET /folder, if it has an index.html", "serve", "redirect", "404"
    )
    error_page: str = _quirk("", "key of the page for addresses without a file (empty: none)")
    error_status: str = _quirk("404", "status of the error page", "404", "200")
    cors: bool = _quirk(False, "browsers may PUT and GET from other origins")
    cors_methods: str = _quirk("PUT, GET, HEAD", "methods that the CORS rule allows")
    cors_headers: str = _quirk("", "headers that the CORS rule allows (empty: all that are asked)")
    api_date_skew: float = _quirk(
        0.0, "seconds that Date of WeChat's answers is ahead", least=-_MOST
    )
    cos_date_skew: float = _quirk(
        0.0, "seconds that Date of COS's and the site's answers is ahead", least=-_MOST
    )
    latency_api: float = _quirk(0.0, "seconds before a WeChat call is handled")
    latency_put: float = _quirk(0.0, "seconds before a PUT is handled")
    daily_limit: int = _quirk(0, "calls of an API a day, then 45009 (0: no limit)")
    minute_limit: int = _quirk(0, "calls of an API in a period, then 45011 (0: no limit)")
    period_seconds: int = _quirk(60, "length of that period", least=1)
    quota_knows_cloud: bool = _quirk(
        True, "quota/get knows the paths below /componenttcb/ (false: 76021)"
    )
    quota_rates: str = _quirk(
        "shown", "rate_limit and component_rate_limit of quota/get", "shown", "missing", "null"
    )
    quota_as: str = _quirk("number", "numbers of quota/get", "number", "string", "zeros")
    quota_lag_seconds: float = _quirk(0.0, "quota/get shows a call or a reset this much later")
    rid_lag_seconds: float = _quirk(0.0, "rid/get knows a refused call this much later")
    rid_foreign: bool = _quirk(False, "calls refused from now on are another account's (76003)")
    allowed_ip: str = _quirk(
        "", "addresses that may call, with commas; others get 61004 (empty: any)"
    )
    batch_opened: bool = _quirk(
        True, "the platform may use cloud development (false: 85088 for each /componenttcb/ call)"
    )
    pay_as_you_go: bool = _quirk(True, "false: createstaticstore is refused for its billing mode")
    store_delay: float = _quirk(0.0, "seconds from createstaticstore to online")
    store_becomes: str = _quirk(
        "online",
        "what a created store is after that delay; process: it never ends",
        "online",
        "process",
        "create_fail",
    )
    store_status: str = _quirk("", "status word that describe shows (empty: the true one)")
    envs_as: str = _quirk("list", "info_list of describeenvs", "list", "null", "[]", "missing")
    env_condition: str = _quirk("NORMAL", "status in describeenvs, of those without their own")
    unavailable_calls: int = _quirk(
        0, "calls of describeenvs that show an environment as UNAVAILABLE first"
    )
    more_envs: int = _quirk(0, "further environments in describeenvs, that nothing else knows")
    source_type: str = _quirk(
        "optional",
        "of batchgetenvid; without it 40101 if required, with it 40097 if refused",
        "optional",
        "required",
        "refused",
    )
    most_appids: int = _quirk(0, "appids in a batchgetenvid, more are 40097 (0: any number)")
    unshared_appid: str = _quirk(
        "missing", "env_list of an account without environment", "missing", "null", "[]"
    )
    authorizer_token: str = _quirk(
        "both",
        "query name that api_get_authorizer_list takes",
        "both",
        "access_token",
        "component_access_token",
    )
    authorizer_refresh_token: bool = _quirk(True, "accounts are listed with a refresh_token")
    authorizer_order: str = _quirk(
        "stable", "order of the accounts; turning: each call turns it round", "stable", "turning"
    )
    crc64_limit: int = _quirk(4 << 20, "larger objects (bytes) are answered without CRC-64")
    link_base: str = _quirk(
        "", "start of links instead of the listener's, with {env} {bucket} {region} {address}"
    )
    domain: str = _quirk("", "public address that describe gives, with {env}")

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, _checked(name, value))

    def update(self, values: Mapping[str, object]) -> None:
        """Set several: all of them, or none when one is wrong."""
        checked = {name: _checked(name, value) for name, value in values.items()}
        for name, value in checked.items():
            setattr(self, name, value)


_FIELDS = {item.name: item for item in fields(Quirks)}


def quirk_names() -> list[str]:
    """Return every valid name."""
    return list(_FIELDS)


def describe_quirks(translate: Callable[[str], str] = str) -> list[tuple[str, object, str]]:
    """Return name, default and meaning of each quirk."""
    rows = []
    for name, item in _FIELDS.items():
        text, choices = translate(item.metadata["text"]), " | ".join(item.metadata["choices"])
        rows.append((name, item.default, f"{text} ({choices})" if choices else text))
    return rows


def parse_quirk(text: str) -> tuple[str, object]:
    """Read one `name=value` of the command line."""
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput("{text!r} is not of the form name=value", text=text)
    return name, _from_text(name, value)


def _from_text(name: str, value: str) -> object:
    default: Any = _FIELDS[name].default if name in _FIELDS else ""
    if isinstance(default, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
    try:
        return type(default)(value)
    except ValueError:
        return value


def _checked(name: str, value: object) -> object:
    if name not in _FIELDS:
        raise unknown("quirk", name, quirk_names())
    item = _FIELDS[name]
    choices = item.metadata["choices"]
    if choices and (value is None or value == []):
        value = "[]" if value == [] else "null"  # as they stand in JSON
    if choices and value not in choices:
        known = translate(" or ").join(map(repr, choices))
        text = marked("quirk {name} is {known}, not {value!r}")
        raise BadInput(text, name=name, known=known, value=value)
    return value if choices else _typed(name, value, type(item.default))


def _typed(name: str, value: object, kind: type) -> object:
    if kind in (int, float) and type(value) in (int, float):
        number: float = value  # type: ignore[assignment]
        if (
            _FIELDS[name].metadata["least"] <= number <= _MOST and kind(number) == number
        ):  # False for NaN
            return kind(number)
    elif type(value) is kind:
        return value
    text = marked("quirk {name} takes {kind} such as {default!r}")
    raise BadInput(text, name=name, kind=type_names(kind), default=_FIELDS[name].default)


_TYPES = {
    int: marked("a whole number"),
    float: marked("a number"),
    bool: marked("true or false"),
    str: marked("text"),
    dict: marked("an object"),
    list: marked("a list"),
    type(None): marked("null"),
}


def type_names(*kinds: type) -> str:
    """Return what JSON calls these types, in the language of the terminal."""
    names = [translate(_TYPES[kind]) for kind in kinds]
    return reduce(lambda one, other: translate("{one} or {other}", one=one, other=other), names)
