"""Charts are SVG without style or script, and say in words what they show."""

import re

from wx_static_store.rollouts.admin.charts import Bar, bars


def heights(svg: str, css: str) -> list[int]:
    return [int(high) for high in re.findall(rf'class="{css}"[^>]*height="(\d+)"', svg)]


def test_the_highest_bar_fills_the_chart() -> None:
    svg = bars([Bar(1, "a"), Bar(4, "b")], "5 in all")
    assert heights(svg, "wx-all") == [25, 100]


def test_what_is_not_nothing_is_seen() -> None:
    svg = bars([Bar(0, "a"), Bar(1, "b", bad=1), Bar(1000, "c")], "")
    assert heights(svg, "wx-all") == [3, 100]
    assert heights(svg, "wx-bad-part") == [3]


def test_each_bar_and_the_chart_have_words() -> None:
    svg = bars([Bar(1, "Monday: <1>")], 'of "all"')
    assert "<title>Monday: &lt;1&gt;</title>" in svg
    assert 'role="img" aria-label="of &quot;all&quot;"' in svg


def test_a_strict_policy_has_nothing_to_block() -> None:
    assert not re.search(r"style=|<script|on\w+=", bars([Bar(1, "a")], ""))
