"""English and Chinese: everything is translated, nothing is out of date, each reads their own."""

import os
import re
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import django.contrib.admin
import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import override

from tests.catalogue import CATALOGUE, PACKAGE, faults, texts
from tests.tables import each, none_of
from tests.test_i18n import without_settings
from wx_static_store.causes import CAUSES, every_entry
from wx_static_store.clients.transport import Transport
from wx_static_store.core.naming import clean_name
from wx_static_store.core.retry import Deadline
from wx_static_store.core.secrets import Secret
from wx_static_store.core.types import UploadContext, UploadResult, UploadStatus
from wx_static_store.exceptions import (
    ConnectFailed,
    NameRejected,
    WxStaticStoreError,
    error_of,
    revived,
)
from wx_static_store.i18n import STAGES, gettext_lazy
from wx_static_store.models import UploadLog
from wx_static_store.upload import recorder

HAN = "[\u4e00-\u9fff]"
PART = re.compile(r"%\(\w+\)[.\d]*[a-z]|\{\w+\}")
COMMANDS = {name: app for name, app in get_commands().items() if name.startswith("wx_")}


def chinese() -> list[str]:
    return [text for translated in texts(CATALOGUE).values() for text in translated]


# --- the catalogue ------------------------------------------------------------------------------


def test_every_text_is_translated_and_compiled() -> None:
    none_of(faults())


@pytest.mark.usefixtures("whole_catalogue")
def test_a_translation_has_the_parts_of_its_text() -> None:
    none_of(
        f"{text!r} and its Chinese {each!r} have different parts: correct django.po"
        for (_context, text, plural), translated in texts(CATALOGUE).items()
        for each in translated
        if sorted(PART.findall(plural or text)) != sorted(PART.findall(each))
    )


def test_no_text_is_shown_in_other_words_of_the_admin() -> None:
    admin = texts(Path(django.contrib.admin.__file__).parent / CATALOGUE.relative_to(PACKAGE))
    none_of(
        f"{text[1]!r} is {admin[text]} in Django's admin, which may win: give it a context"
        for text, translated in texts(CATALOGUE).items()
        if any(admin.get(text, [])) and admin[text] != translated
    )


@pytest.mark.usefixtures("whole_catalogue")
def test_the_catalogue_holds_what_code_and_templates_say(tmp_path: Path) -> None:
    if not shutil.which("xgettext"):
        if os.environ.get("WX_REQUIRE_GETTEXT"):
            pytest.fail("xgettext of GNU gettext is not on the PATH")
        pytest.skip("needs xgettext of GNU gettext")
    copy = tmp_path / "wx_static_store"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("locale", "__pycache__"))
    (copy / "locale").mkdir()
    command = [sys.executable, "-m", "django", "makemessages", "--locale", "zh_Hans"]
    subprocess.run(command, cwd=copy, env=without_settings(), check=True, capture_output=True)
    extracted, kept = set(texts(copy / CATALOGUE.relative_to(PACKAGE))), set(texts(CATALOGUE))
    sentences = [f"{text!r} of a template is not in the catalogue" for text in extracted - kept]
    sentences += [f"{text!r} of the catalogue is said no more" for text in kept - extracted]
    none_of(f"{sentence}: run make messages, then fill in django.po" for sentence in sentences)


@pytest.mark.parametrize(
    "wrong",
    [
        rf"{HAN}[,;:!?.()]|[,;:!?()]{HAN}",  # punctuation of Chinese is full-width
        rf"{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}",  # a space stands before and after Latin
        rf"{HAN}%\(|%\(\w+\)[a-z]{HAN}",
        r"[，。；：（）“”、？] | [，。；：（）“”、？]",
    ],
)
def test_chinese_follows_the_rules_of_typesetting(wrong: str) -> None:
    # A span of time ends with a Chinese word.
    found = (re.sub(r"%\((?:time|ago|before|age)\)s", "一分钟", text.strip()) for text in chinese())
    assert [text for text in found if re.search(wrong, text)] == []


def test_a_whitelist_has_its_chinese_word() -> None:
    assert [
        translated
        for (_context, text, _plural), translated in texts(CATALOGUE).items()
        if "whitelist" in text.lower() and "白名单" not in translated[0]
    ] == []


def test_a_link_of_wechat_is_always_a_signed_link() -> None:
    assert [text for text in chinese() if "上传链接" in text] == []


# --- who reads which ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", None])
def test_each_cause_is_english(language: str | None) -> None:
    with override(language):
        assert not re.search(HAN, "".join(f"{e.title}{e.operator}" for e in every_entry()))


def test_an_error_that_was_raised_for_a_chinese_reader_can_be_read_in_english() -> None:
    with override("zh-hans"), pytest.raises(NameRejected) as caught:
        clean_name("a//b")
    with override("en"):
        assert str(caught.value).startswith("'a//b' cannot be the name of a file: it has an empty")


def test_a_network_error_is_chinese() -> None:
    """The address and the class of the library's error stay: an administrator looks for them."""
    link = Secret("http://127.0.0.1:1/")
    transport = Transport(connect_timeout=1, read_timeout=1, pool_size=1)
    with pytest.raises(ConnectFailed) as caught:
        transport.exchange("GET", link, stage="verify", deadline=Deadline.after(5))
    with override("zh-hans"):
        texts = str(caught.value.message)
        assert texts == "无法连接服务器（http://127.0.0.1:1: NewConnectionError）"
    with override("en"):
        assert str(caught.value.message).startswith("The server could not be reached (http:")


def test_an_error_is_one_chinese_sentence() -> None:
    with override("zh-hans"), pytest.raises(NameRejected) as caught:
        clean_name("/a")
    with override("zh-hans"):
        assert str(caught.value) == (
            "'/a' 不能用作文件名：是绝对路径；请写成相对于网站的路径（阶段：文件名）。"
            "请重命名文件。如果文件路径过长，请缩短文件名或 location：一个汉字占三个字节。"
            "（详情：manage.py wx_explain NameRejected）"
        )


def test_no_fact_of_an_error_has_an_english_name() -> None:
    facts = {"stage": "link", "http_status": 500, "attempts": 3, "env": "e1", "key": "a.css"}
    said = {"errcode": 40097, "errmsg": "no", "rid": "r1", "cos_code": "c1", "request_id": "q1"}
    with override("zh-hans"):
        assert str(WxStaticStoreError("…", **facts, **said)) == (
            "…（阶段：调用微信，错误码：40097，错误信息：no，rid：r1，HTTP 状态码：500，"
            "COS 错误码：c1，请求 ID：q1，环境：e1，文件路径：a.css，尝试次数：3）"
        )


def test_every_stage_of_an_error_has_a_chinese_name() -> None:
    with override("zh-hans"):
        assert [name for name, word in STAGES.items() if not re.search(HAN, str(word))] == []
    with override("en"):
        assert [str(word) for word in STAGES.values()] == [*STAGES]


def failed() -> UploadResult:
    error = NameRejected(gettext_lazy("%(name)s cannot be the name of a file: %(reason)s", name="a",
                                      reason=gettext_lazy("it is empty")))  # fmt: skip
    return UploadResult("a", "a", UploadStatus.FAILED, "demo-1a2b3c", stage="name", error=error)


@pytest.mark.django_db
def test_a_row_of_the_log_is_english_for_a_chinese_user() -> None:
    with override("zh-hans"):
        recorder.record_one(failed(), UploadContext(source="admin"))
        assert UploadLog.objects.get().message == "a cannot be the name of a file: it is empty"


def test_the_logger_is_english_for_a_chinese_user(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with override("zh-hans"):
        recorder._log(failed(), UploadContext(source="admin"))
    [text] = caplog.messages
    assert text.startswith("failed 'a': a cannot be the name of a file: it is empty. Rename the")


def test_an_error_of_another_process_has_its_hint_in_the_reader_s_language() -> None:
    with override("zh-hans"):
        plain = error_of(CAUSES["45009"], "WeChat refuses").as_dict()
    assert plain["hint"].startswith("The daily quota is used up")
    with override("zh-hans"):
        assert "调用额度已用完" in str(revived(plain))


# --- commands -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("whole_catalogue")
@each("name", COMMANDS)
def test_a_command_explains_itself_in_chinese(name: str) -> None:
    """Except Django's own options, and the texts of argparse."""
    own = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
    with override("zh-hans"):
        command = load_command_class(COMMANDS[name], name)
        parser = command.create_parser("manage.py", name)
        parser.format_help()
    own.add("action")  # wx_rollout: each action says what it does
    texts = [parser.description, *(a.help for a in parser._actions if a.dest not in own)]
    english = [text for text in texts if not re.search(HAN, text or "")]
    assert not english, f"{name} says in English: mark it with the functions of i18n.py: {english}"


@pytest.mark.django_db
def test_a_command_speaks_chinese() -> None:
    out = StringIO()
    with override("zh-hans"):
        call_command("wx_prune", "--days=1", "--dry-run", stdout=out)
    assert out.getvalue() == "将会删除：无\n"


def test_an_error_of_the_command_line_is_chinese() -> None:
    with override("zh-hans"), pytest.raises(CommandError, match="DIR 为空：是否有变量未设置？"):
        call_command("wx_deploy", "")
