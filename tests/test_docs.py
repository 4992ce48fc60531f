"""docs/howto/deploy.rst documents every member of the JSON report and no other."""

import re
from pathlib import Path

from wx_static_store.deploy.report import EnvironmentReport, Summary, as_dict

PAGE = Path(__file__).parent.parent / "docs/howto/deploy.rst"


def section(title: str) -> str:
    """Return the text below a heading, up to the next heading."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^{title}\n[=-]+\n(.*?)(?=^[^\n]+\n[=-]{{4,}}$|\Z)", text, re.M | re.S)
    assert found, f"docs/howto/deploy.rst has no section {title!r}"
    return found[1]


def test_every_member_of_the_json_report_is_documented() -> None:
    data = as_dict(Summary("site", "", 0.0, 0.0, [EnvironmentReport("demo-1")]))
    documented = re.findall(r"^(?:– )?``(\w+)`` ", section("In CI"), re.MULTILINE)
    assert documented == [*data, *data["environments"][0]]
