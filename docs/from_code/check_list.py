"""Write the list of system checks from the table in wx_static_store/conf/check_table.py."""

from wx_static_store.conf.check_table import CHECKS

from . import here, table
from .checks import texts_of


def text() -> str:
    rows = [(here("Id", "编号"), here("Message", "消息"), here("What to do", "处理办法"))]
    rows += [(f":ref:`{id} <{id.lower()}>`", *texts_of(id)) for id in sorted(CHECKS, key=_number)]
    return table(10, 50, 40, rows=rows)


def _number(id: str) -> str:
    return id[1:]
