"""Write an entry for each check of the doctor, from the table of its checks."""

from wx_static_store.health.doctor.findings import Check
from wx_static_store.health.doctor.table import CHECKS

from . import fields, here, lead, plain, section


def text() -> str:
    return "\n".join(map(_entry, CHECKS))


def anchor_of(id: str) -> str:
    return f"doctor-{id.replace('.', '-')}"


def _entry(check: Check) -> str:
    return section(
        check.id,
        lead(plain(check.question), plain(check.means)),
        fields((here("What to do", "处理办法"), plain(check.remedy))),
        anchor=anchor_of(check.id),
        mark="-",
    )
