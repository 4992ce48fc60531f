"""Write the pages of the errcodes, in English and Chinese: python -m tests.errcodes_page"""

import os
from pathlib import Path

import django
from django.utils.translation import override

from wx_static_store.exceptions import ERRCODES, Remedy
from wx_static_store.i18n import with_address

DOCS = Path(__file__).parent.parent / "docs"
PAGES = {"en": DOCS / "troubleshooting/errcodes.rst", "zh-hans": DOCS / "zh/errcodes.rst"}

_HEADS = {
    "en": """\
.. Made of wx_static_store/exceptions.py by python -m tests.errcodes_page: do not edit.

Errcodes
========

What each errcode of WeChat raises (see ``wx_static_store.exceptions``), what an upload does then,
and what you can do.
""",
    "zh-hans": """\
.. 由 python -m tests.errcodes_page 根据 wx_static_store/exceptions.py 生成，请勿修改。

错误码
======

每个微信错误码引发的异常（见 ``wx_static_store.exceptions``）、上传随后的动作和处理办法。
""",
}
_COLUMNS = {
    "en": ("Errcode", "Error", "The upload", "What to do"),
    "zh-hans": ("错误码", "异常", "上传的动作", "处理办法"),
}
_REMEDIES = {
    "en": {
        Remedy.GIVE_UP: "gives up",
        Remedy.WAIT: "waits and tries again",
        Remedy.NEW_TOKEN: "tries again with a new token",
        Remedy.NEW_LINK: "tries again with a new link",
    },
    "zh-hans": {
        Remedy.GIVE_UP: "放弃",
        Remedy.WAIT: "等待后重试",
        Remedy.NEW_TOKEN: "获取新令牌后重试",
        Remedy.NEW_LINK: "获取新链接后重试",
    },
}


def page(language: str) -> str:
    rows = [_COLUMNS[language]]
    with override(language):
        for verdict in dict.fromkeys(ERRCODES.values()):
            codes = ", ".join(f"``{code}``" for code, of in ERRCODES.items() if of == verdict)
            error = verdict.build("")
            hint = str(with_address(error.hint, ""))
            rows.append(
                (codes, f"``{type(error).__name__}``", _REMEDIES[language][error.remedy], hint)
            )
    head = ".. list-table::\n   :header-rows: 1\n   :widths: 20 18 18 44\n"
    table = "\n".join("   * - " + "\n     - ".join(row) for row in rows)
    return f"{_HEADS[language]}\n{head}\n{table}\n"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    for language, path in PAGES.items():
        path.write_text(page(language), encoding="utf-8")
