"""Write an entry for each check of the doctor, from the table of its checks."""

from wx_static_store.health.doctor.findings import Check
from wx_static_store.health.doctor.table import CHECKS

from . import fields, here, plain, section


def text() -> str:
    return "\n".join(map(_entry, CHECKS))


def anchor_of(id: str) -> str:
    return f"doctor-{id.replace('.', '-')}"


def _entry(check: Check) -> str:
    needs = ", ".join(f":ref:`{id} <{anchor_of(id)}>`" for id in check.needs)
    return section(
        check.id,
        fields(
            (here("Question", "问题"), plain(check.question)),
            (here("What the answer means", "结果的含义"), plain(check.means)),
            (here("What to do", "处理办法"), plain(check.remedy)),
            (here("Only with", "仅在使用以下选项时"), "``--probe``" if check.probe else ""),
            (here("Asked after", "前提检查"), needs),
        ),
        anchor=anchor_of(check.id),
        mark="-",
    )
