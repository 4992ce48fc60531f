"""The platform's environments: describeenvs and batchgetenvid."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import ENV, Client

ANNA, BERT = "wxfake00000000000a", "wxfake00000000000b"


def envs(client: Client) -> Any:
    """Return info_list of describeenvs, or "missing"."""
    answer = client.post("/componenttcb/describeenvs", {})
    assert answer["errcode"] == 0
    return answer.get("info_list", "missing")


def statuses(client: Client) -> list[str]:
    return [row["status"] for row in envs(client)]


def test_describeenvs_has_the_members_of_the_documents(client: Client) -> None:
    assert envs(client) == [
        {
            "env": ENV,
            "alias": "demo",
            "create_time": "2023-11-15 06:13:20",
            "update_time": "2023-11-15 06:13:20",
            "status": "NORMAL",
            "package_id": "basic",
            "package_name": "emulator",
            "dbinstance_id": f"tnt-{ENV}",
            "bucket_id": f"7465-{ENV}-1304480914",
        }
    ]


def test_environments_are_listed_in_the_order_of_their_creation(client: Client) -> None:
    client.server.add_env("z-1")
    client.server.add_env("a-1", alias="anna")
    assert [(row["env"], row["alias"]) for row in envs(client)][1:] == [
        ("z-1", "z"),
        ("a-1", "anna"),
    ]


@pytest.mark.parametrize(("form", "shown"), [("null", None), ("[]", []), ("missing", "missing")])
def test_a_quirk_leaves_the_list_of_environments_empty(
    client: Client, form: str, shown: Any
) -> None:
    client.server.quirks.envs_as = form
    assert envs(client) == shown


def test_an_environment_shows_its_own_condition_before_the_quirk_s(client: Client) -> None:
    client.server.add_env("b-1", condition="HALTED")
    client.server.quirks.env_condition = "FROZEN"
    assert statuses(client) == ["FROZEN", "HALTED"]


def test_an_environment_is_unavailable_for_the_first_calls(client: Client) -> None:
    client.server.quirks.unavailable_calls = 2
    assert [statuses(client)[0] for _ in range(3)] == ["UNAVAILABLE", "UNAVAILABLE", "NORMAL"]


def test_an_environment_that_comes_later_has_its_own_first_calls(client: Client) -> None:
    client.server.quirks.unavailable_calls = 1
    envs(client)
    client.server.add_env("b-1")
    assert statuses(client) == ["NORMAL", "UNAVAILABLE"]


def test_a_quirk_lists_three_thousand_environments(client: Client) -> None:
    client.server.quirks.more_envs = 3000
    rows = envs(client)
    assert len({row["env"] for row in rows}) == 3001


@pytest.mark.parametrize("name", ["describeenvs", "batchgetenvid", "staticfilelist"])
def test_a_platform_without_cloud_development_gets_85088(client: Client, name: str) -> None:
    client.server.quirks.batch_opened = False
    assert client.call(name).json()["errcode"] == 85088


def test_describeenvs_needs_a_body(client: Client) -> None:
    url = f"{client.server.api_url}/componenttcb/describeenvs"
    params = {"access_token": client.server.access_token}
    assert client.session.post(url, params=params, timeout=10).json()["errcode"] == 44002


# --- batchgetenvid ----------------------------------------------------------------------------


def ask(client: Client, *appids: str, **more: Any) -> dict[str, Any]:
    return client.post("/componenttcb/batchgetenvid", {"appids": [*appids], **more})


def test_an_appid_has_the_environments_that_are_shared_with_it(client: Client) -> None:
    client.server.add_env("b-1", appids=[ANNA, BERT])
    client.server.add_env(ENV, appids=[ANNA])
    assert ask(client, ANNA, BERT, source_type=0) == {
        "errcode": 0,
        "errmsg": "ok",
        "relation_data": [
            {"appid": ANNA, "env_list": [ENV, "b-1"]},
            {"appid": BERT, "env_list": ["b-1"]},
        ],
        "err_list": [],
    }


def test_an_unknown_appid_is_in_err_list(client: Client) -> None:
    client.server.add_env(ENV, appids=[ANNA])
    answer = ask(client, ANNA, BERT)
    assert answer["errcode"] == 0
    assert [row["appid"] for row in answer["relation_data"]] == [ANNA]
    assert answer["err_list"] == [{"appid": BERT, "errmsg": "invalid appid"}]


def test_a_withdrawn_account_is_unknown_though_its_environment_stays(client: Client) -> None:
    client.server.add_env(ENV, appids=[ANNA])
    client.server.state.withdraw(ANNA)
    assert [row["appid"] for row in ask(client, ANNA)["err_list"]] == [ANNA]
    assert [row["env"] for row in envs(client)] == [ENV]


@pytest.mark.parametrize(
    ("form", "rows"),
    [("missing", []), ("null", [None]), ("[]", [[]])],
)
def test_a_quirk_shows_an_account_without_environment(
    client: Client, form: str, rows: list[Any]
) -> None:
    client.server.state.authorize(ANNA)
    client.server.quirks.unshared_appid = form
    answer = ask(client, ANNA)
    assert [row["env_list"] for row in answer["relation_data"]] == rows
    assert answer["err_list"] == []


@pytest.mark.parametrize(
    ("quirk", "with_it", "without"),
    [("optional", 0, 0), ("required", 0, 40101), ("refused", 40097, 0)],
)
def test_a_quirk_requires_or_refuses_source_type(
    client: Client, quirk: str, with_it: int, without: int
) -> None:
    client.server.quirks.source_type = quirk
    assert ask(client, ANNA, source_type=0)["errcode"] == with_it
    assert ask(client, ANNA)["errcode"] == without


@pytest.mark.parametrize(
    ("fields", "errcode"),
    [
        ({}, 40101),
        ({"appids": []}, 40097),
        ({"appids": ANNA}, 40097),
        ({"appids": [1]}, 40097),
        ({"appids": [ANNA], "source_type": "0"}, 40097),
    ],
)
def test_a_wrong_batchgetenvid_is_refused(
    client: Client, fields: dict[str, Any], errcode: int
) -> None:
    assert client.post("/componenttcb/batchgetenvid", fields)["errcode"] == errcode


def test_a_quirk_limits_the_appids_of_a_call(client: Client) -> None:
    client.server.quirks.most_appids = 1
    assert (ask(client, ANNA)["errcode"], ask(client, ANNA, BERT)["errcode"]) == (0, 40097)


def test_a_reset_forgets_conditions_and_accounts(client: Client) -> None:
    client.server.add_env(ENV, condition="HALTED", appids=[ANNA])
    client.server.reset()
    assert statuses(client) == ["NORMAL"]
    assert [row["appid"] for row in ask(client, ANNA)["err_list"]] == [ANNA]
