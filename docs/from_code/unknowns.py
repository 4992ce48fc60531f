"""Write what the documents leave open: the check that settles it, or why none does."""

from wx_static_store.health.doctor.facts import UNSETTLED
from wx_static_store.health.doctor.table import CHECKS

from . import here, plain, table


def text() -> str:
    head = (here("Not known", "未知"), here("Settled by", "由此检查得知"))
    settled = (
        (plain(what), f":ref:`{check.id} <{check.anchor}>`")
        for check in CHECKS
        for what in check.settles
    )
    others = ((plain(what), plain(why)) for what, why in UNSETTLED)
    return table(60, 40, rows=(head, *settled, *others))
