"""Write the list of system checks from the table in wx_static_store/conf/check_table.py."""

from . import here, table
from .causes import entries, filled


def text() -> str:
    rows = [(here("Id", "编号"), here("Message", "消息"), here("What to do", "处理办法"))]
    rows += [
        (
            f":ref:`{each.id} <{each.id.lower()}>`",
            filled(each, each.title),
            filled(each, each.operator),
        )
        for each in entries("checks")
    ]
    return table(10, 50, 40, rows=rows)
