"""The platform's environments: which there are, and the mini programs that they are shared with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from .limits import BEIJING
from .quirks import Quirks
from .refusals import Fields, WeChatRefusal, invalid, required
from .state import CLOUD_APPID, Environment, State


def _describe(state: State, _: Fields) -> Fields:
    quirks = state.quirks
    rows = [_row(environment, quirks) for environment in list(state.environments.values())]
    rows += [_invented(number, quirks, state.now()) for number in range(quirks.more_envs)]
    forms: dict[str, Fields] = {"null": {"info_list": None}, "[]": {"info_list": []}, "missing": {}}
    return {"errcode": 0, "errmsg": "ok", **forms.get(quirks.envs_as, {"info_list": rows})}


def _row(environment: Environment, quirks: Quirks) -> Fields:
    environment.described += 1
    ready = environment.described > quirks.unavailable_calls
    status = (environment.condition or quirks.env_condition) if ready else "UNAVAILABLE"
    return _info(environment.env, environment.alias, status, environment.created)


def _invented(number: int, quirks: Quirks, now: float) -> Fields:
    env = f"more-{number:05}-0fake0fake01"
    return _info(env, env.rpartition("-")[0], quirks.env_condition, now)


def _info(env: str, alias: str, status: str, created: float) -> Fields:
    time = (datetime.fromtimestamp(created, UTC) + BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "env": env,
        "alias": alias,
        "create_time": time,
        "update_time": time,
        "status": status,
        "package_id": "basic",
        "package_name": "emulator",
        "dbinstance_id": f"tnt-{env}",
        "bucket_id": f"7465-{env}-{CLOUD_APPID}",
    }


def _batch_get_env_id(state: State, fields: Fields) -> Fields:
    appids, quirks = required(fields, "appids"), state.quirks
    if not isinstance(appids, list) or not all(isinstance(appid, str) for appid in appids):
        raise invalid("appids")
    if not appids or 0 < quirks.most_appids < len(appids):
        raise invalid("appids")
    _check_source_type(fields, quirks)
    known = [appid for appid in appids if appid in state.accounts]
    errors = [{"appid": a, "errmsg": "invalid appid"} for a in appids if a not in state.accounts]
    rows = [row for appid in known for row in _relation(state, appid)]
    return {"errcode": 0, "errmsg": "ok", "relation_data": rows, "err_list": errors}


def _check_source_type(fields: Fields, quirks: Quirks) -> None:
    if quirks.source_type == "required":
        required(fields, "source_type")
    if "source_type" not in fields:
        return
    if quirks.source_type == "refused" or type(fields["source_type"]) is not int:
        raise WeChatRefusal(40097, "invalid args: source_type")


def _relation(state: State, appid: str) -> list[Fields]:
    envs = [each.env for each in list(state.environments.values()) if appid in each.appids]
    if envs or state.quirks.unshared_appid == "[]":
        return [{"appid": appid, "env_list": envs}]
    return [] if state.quirks.unshared_appid == "missing" else [{"appid": appid, "env_list": None}]


CALLS: dict[str, Callable[[State, Fields], Fields]] = {
    "describeenvs": _describe,
    "batchgetenvid": _batch_get_env_id,
}
