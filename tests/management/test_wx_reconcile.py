"""``wx_reconcile``: what it prints, and how it ends."""

import pytest
from django.utils.translation import override

from tests.conftest import ENV
from tests.log.conftest import run, statuses, upload
from tests.log.test_reconcile import after_the_list, answer_lost, gone
from wx_static_store.emulator import EmulatorServer
from wx_static_store.log import reconcile
from wx_static_store.upload.store import get_store

pytestmark = pytest.mark.django_db


def test_wx_reconcile_ends_with_1_where_log_and_cloud_differ(cloud: EmulatorServer) -> None:
    gone(cloud)
    cloud.put_object("b\n", b"x")
    code, said = run("wx_reconcile")
    assert code == 1
    assert "missing   a: the log said stored, the cloud has none\n" in said
    assert r"unlogged  b\n: " in said
    assert "1 object, missing 1, differs 0, unlogged 1, unknown 0\n" in said
    assert "--fix" in said


def test_wx_reconcile_ends_with_0_when_it_has_fixed_the_log(cloud: EmulatorServer) -> None:
    gone(cloud)
    assert run("wx_reconcile", "--fix")[0] == 0
    assert run("wx_reconcile") == (
        0,
        f"{ENV}: 0 objects, missing 0, differs 0, unlogged 0, unknown 0\n",
    )


def test_wx_reconcile_says_what_an_unknown_row_became(cloud: EmulatorServer) -> None:
    answer_lost(cloud)
    assert "unknown   a: it is in the cloud → stored\n" in run("wx_reconcile")[1]


def test_wx_reconcile_speaks_chinese(cloud: EmulatorServer) -> None:
    answer_lost(cloud)
    upload("b", b"1")
    cloud.delete_object("b")
    with override("zh-hans"):
        lines = run("wx_reconcile")[1].splitlines()
    assert lines[:3] == [
        "未知      a：云端有该文件 → 已上传",
        "缺失      b：日志记录为已上传，云端却没有该文件",
        f"{ENV}：1 个对象，缺失 1，不一致 0，无记录 0，未知 1",
    ]


def test_wx_reconcile_says_how_many_rows_could_not_be_compared(cloud: EmulatorServer) -> None:
    upload("a", b"1")
    cloud.quirks.list_md5 = "multipart"
    code, said = run("wx_reconcile")
    assert (code, "1 by size only" in said) == (0, True)


@pytest.mark.parametrize("prefix", ["e\u0301/", "é/"], ids=["decomposed", "composed"])
def test_a_prefix_of_wx_reconcile_is_normalized_as_keys_are(
    cloud: EmulatorServer, prefix: str
) -> None:
    cloud.put_object("é/a", b"x")
    assert "unlogged 1" in run("wx_reconcile", "--prefix", prefix)[1]


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["--using", "elsewhere"], "Aliases with such a storage: default, files"),
        (["--prefix", "/css"], "write it relative to the site"),
    ],
)
def test_wrong_arguments_end_with_2(cloud: EmulatorServer, arguments: list[str], fix: str) -> None:
    code, said = run("wx_reconcile", *arguments)
    assert (code, fix in said) == (2, True)


def test_an_environment_that_is_not_ours_ends_with_2(cloud: EmulatorServer) -> None:
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 85088})
    code, said = run("wx_reconcile")
    assert (code, "errcode 85088" in said) == (2, True)


def test_corrections_stay_if_the_list_fails_in_its_middle(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "KEYS_AT_ONCE", 1)
    cloud.quirks.page_size = 1
    for key in "abc":
        cloud.put_object(key, b"x")
    cloud.script({"on": "staticfilelist", "do": "errcode", "errcode": 40097, "skip": 2})
    code, said = run("wx_reconcile", "--fix")
    assert (code, statuses()) == (1, [("a", "stored"), ("b", "stored")])
    assert "what is done stays: missing 0, differs 0, unlogged 2, unknown 0" in said
    assert "errcode 40097" in said


def test_an_interrupted_wx_reconcile_ends_with_130(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    after_the_list(get_store(), interrupt, monkeypatch)
    assert run("wx_reconcile")[0] == 130
