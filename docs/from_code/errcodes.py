"""Write the table of WeChat's errcodes from wx_static_store/exceptions.py."""

from django.utils.translation import get_language

from wx_static_store.exceptions import ERRCODES, Remedy
from wx_static_store.i18n import with_address

from . import table

COLUMNS = {
    "en": ("Errcode", "Error", "The upload", "What to do"),
    "zh-hans": ("错误码", "异常", "上传的动作", "处理办法"),
}
REMEDIES = {
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


def text() -> str:
    language = get_language()
    rows = [COLUMNS[language]]
    for verdict in dict.fromkeys(ERRCODES.values()):
        codes = ", ".join(f"``{code}``" for code, of in ERRCODES.items() if of == verdict)
        error = verdict.build("")
        hint = str(with_address(error.hint, ""))
        rows.append((codes, f"``{type(error).__name__}``", REMEDIES[language][error.remedy], hint))
    return table(20, 18, 18, 44, rows=rows)
