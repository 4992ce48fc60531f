"""Write docs/reference/options.rst and docs/zh/options.rst: python -m tests.options_page"""

from pathlib import Path

from wx_static_store.conf.options import OPTIONS, SETTINGS, Options

ROOT = Path(__file__).parent.parent
ENGLISH, CHINESE = 0, 1
PAGES = {ENGLISH: ROOT / "docs/reference/options.rst", CHINESE: ROOT / "docs/zh/options.rst"}

_HEADS = (
    """\
.. Made of wx_static_store/conf/options.py by python -m tests.options_page: do not edit.

Options
=======

Lower-case names stand in ``STORAGES[alias]["OPTIONS"]``, or in upper case in ``WX_STATIC_STORE``,
for all aliases. ``OPTIONS`` wins over ``WX_STATIC_STORE``. Upper-case names stand in
``WX_STATIC_STORE`` only, because ``OPTIONS`` are written into migrations. ``None`` means *not set*.

Stores whose options of scope *platform* are equal share connections, the token and the limit of
calls.
""",
    """\
.. 由 python -m tests.options_page 根据 wx_static_store/conf/options.py 生成，请勿修改。

选项
====

- 小写名称写在 ``STORAGES[alias]["OPTIONS"]`` 中。
- 大写的同名选项写在 ``WX_STATIC_STORE`` 中，对所有别名生效。
- ``OPTIONS`` 优先于 ``WX_STATIC_STORE``。
- 大写名称只能写在 ``WX_STATIC_STORE`` 中，因为 ``OPTIONS`` 会被写入迁移文件。
- ``None`` 表示“未设置”。
- 作用域为“平台”的选项都相同的存储，共用连接、令牌和调用限制。
""",
)
_COLUMNS = (("Option", "Default", "Scope", "Meaning"), ("选项", "默认值", "作用域", "含义"))


def page(language: int) -> str:
    rows = [_COLUMNS[language]]
    for name, entry in OPTIONS.items():
        default = entry.shown[language] if entry.shown else _default(getattr(Options(), name))
        text = (entry.english, entry.chinese)[language]
        shown = name.upper() if entry.scope is SETTINGS else name
        rows.append((f"``{shown}``", default, entry.scope.value[language], text))
    head = ".. list-table::\n   :header-rows: 1\n   :widths: 20 18 10 52\n"
    table = "\n".join("   * - " + "\n     - ".join(row) for row in rows)
    return f"{_HEADS[language]}\n{head}\n{table}\n"


def _default(value: object) -> str:
    if value in (None, ()):
        return "–"
    values = value if isinstance(value, tuple) else (value,)
    return ", ".join("``" + (str(each) or '""') + "``" for each in values)


if __name__ == "__main__":
    for language, path in PAGES.items():
        path.write_text(page(language), encoding="utf-8")
