"""The four calls of static hosting: create, describe, link and list."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from . import signing
from .answers import iso_time
from .bucket import StoredObject
from .quirks import Quirks
from .refusals import Fields, WeChatRefusal, invalid, optional_text, required_text
from .state import REGION, Environment, State

MAX_KEY = 850  # bytes of UTF-8


def _environment(state: State, fields: Fields) -> Environment:
    env = required_text(fields, "env")
    if env not in state.environments:
        raise WeChatRefusal(-501000, "resource not found, TcbCode: [ResourceNotFound.Env]")
    return state.settle(state.environments[env])


def _check_online(environment: Environment) -> None:
    # Which code WeChat gives is not known. "Never opened" and "not in service" differ here.
    if environment.status == "none":
        raise WeChatRefusal(85088, "no qbase privilege")
    if environment.status != "online":
        raise WeChatRefusal(-501005, f"env status abnormal: {environment.status}")


def _filename(fields: Fields) -> str:
    name = required_text(fields, "filename")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        raise invalid("filename") from None
    if size > MAX_KEY or name.startswith("/") or ".." in name.split("/"):
        raise invalid("filename")
    return name


# --- the calls ------------------------------------------------------------------------------


def _create(state: State, fields: Fields) -> Fields:
    environment = _environment(state, fields)
    if not state.quirks.pay_as_you_go:
        # Which code WeChat gives is not known.
        raise WeChatRefusal(-501000, "billing mode, TcbCode: [OperationDenied.NotPostpaid]")
    if environment.status in ("none", "offline", "create_fail"):
        environment.status = "process"
        environment.online_from = state.now() + state.quirks.store_delay
    return {"errcode": 0, "errmsg": "ok"}


def _describe(state: State, fields: Fields) -> Fields:
    environment, quirks = _environment(state, fields), state.quirks
    store = {
        "env": environment.env,
        "domain": quirks.domain.format(env=environment.env) or environment.address,
        "bucket": environment.bucket_name,
        quirks.region_key: REGION,
        "status": quirks.store_status or environment.status,
    }
    stores = (
        {quirks.data_key: [store]} if environment.status != "none" else _no_store(store, quirks)
    )
    return {"errcode": 0, "errmsg": "ok", **stores}


def _no_store(store: Fields, quirks: Quirks) -> Fields:
    forms: dict[str, Fields] = {
        "null": {quirks.data_key: None},
        "[]": {quirks.data_key: []},
        "no_domain": {quirks.data_key: [{"env": store["env"], "status": ""}]},
    }
    return forms.get(quirks.describe_empty, {})


def _upload(state: State, fields: Fields) -> Fields:
    environment, key = _environment(state, fields), _filename(fields)
    _check_online(environment)
    start = int(state.now())
    key_time = f"{start};{start + int(state.quirks.link_seconds)}"
    account, text = state.account, signing.http_string("PUT", f"/{key}")
    sign = signing.authorization(account.secret_id, account.secret_key, key_time, text)
    url = f"{_link_base(state, environment)}/{quote(key)}?sign={signing.percent(sign)}"
    return {"errcode": 0, "errmsg": "ok", "signed_url": url, "token": account.security_token}


def _link_base(state: State, environment: Environment) -> str:
    base = state.quirks.link_base or f"{state.scheme}://{{address}}"
    return base.format(
        env=environment.env,
        bucket=environment.bucket_name,
        region=REGION,
        address=environment.address,
    )


def _list(state: State, fields: Fields) -> Fields:
    environment = _environment(state, fields)
    prefix, delimiter, marker = (
        optional_text(fields, n) for n in ("prefix", "delimiter", "marker")
    )
    _check_online(environment)
    quirks = state.quirks
    objects = environment.bucket.all(as_of=state.now() - quirks.list_lag_seconds)
    rows = _rows(objects, prefix, delimiter)
    after = [row for row in rows if _behind(row, marker, quirks.marker)]
    page = after[: quirks.page_size]
    contents = [_content(key, objects[key], quirks) for key in page if key in objects]
    truncated: bool | str = len(after) > len(page)
    if quirks.truncated_as == "string":
        truncated = str(truncated).lower()
    return {"errcode": 0, "errmsg": "ok", **_contents(contents, quirks), "is_truncated": truncated}


def _rows(objects: dict[str, StoredObject], prefix: str, delimiter: str) -> list[str]:
    """
    Return keys in binary order; with a delimiter, folders in place of what is in them, as in COS.

    A folder counts for the size of a page, but WeChat's answer has no member for it.
    """
    keys = {key for key in objects if key.startswith(prefix)}
    if delimiter:
        keys = {_folded(key, prefix, delimiter) for key in keys}
    return sorted(keys, key=str.encode)


def _folded(key: str, prefix: str, delimiter: str) -> str:
    head, found, _ = key[len(prefix) :].partition(delimiter)
    # A mark that no key can hold keeps a folder apart from an object of the same name.
    return f"{prefix}{head}{found}\N{NULL}folder" if found else key


def _behind(row: str, marker: str, mode: str) -> bool:
    if not marker:
        return True
    row = row.partition("\N{NULL}")[0]
    return row.encode() > marker.encode() or (mode == "inclusive" and row == marker)


def _contents(contents: list[Fields], quirks: Quirks) -> Fields:
    if contents or quirks.list_empty == "[]":
        return {"contents": contents}
    return {"contents": None} if quirks.list_empty == "null" else {}


def _content(key: str, entry: StoredObject, quirks: Quirks) -> Fields:
    return {
        "key": key,
        "last_modified": iso_time(entry.last_modified, milliseconds=True),
        "md5": entry.md5 + ("-1" if quirks.list_md5 == "multipart" else ""),
        "size": str(entry.size),
    }


CALLS: dict[str, Callable[[State, Fields], Fields]] = {
    "createstaticstore": _create,
    "describestaticstore": _describe,
    "staticuploadfile": _upload,
    "staticfilelist": _list,
}
