"""QR codes: they hold the address, and nothing in them that a strict policy refuses."""

import re
import sys
from xml.etree import ElementTree as ET

import pytest
import segno

from wx_static_store.core.qr import svg

URL = "https://demo.tcloudbaseapp.com/a/%E5%9B%BE.png?x=1&y=2"


def modules(drawn: str) -> set[tuple[int, int]]:
    """Read the dark modules of a code from its path: column and row."""
    *_, dark = ET.fromstring(drawn)
    found, x, y = set(), 0, 0.0
    for command, first, second in re.findall(
        r"([mMh])(-?[\d.]+)(?:[ ,]?(-?[\d.]+))?", dark.attrib["d"]
    ):
        if command == "h":
            found |= {(x + step, int(y)) for step in range(int(first))}
            x += int(first)
        else:
            relative = command == "m"
            x, y = int(first) + relative * x, float(second) + relative * y
    return found


def test_the_qr_code_holds_the_text() -> None:
    rows = segno.make_qr(URL).matrix_iter(border=4)
    wanted = {(x, y) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark}
    assert modules(svg(URL)) == wanted


def test_a_qr_code_is_black_on_white_on_any_page() -> None:
    drawn = ET.fromstring(svg(URL))
    ground, dark = drawn
    assert (ground.attrib["fill"], dark.attrib["stroke"]) == ("#fff", "#000")
    side = drawn.attrib["viewBox"].split()[-1]
    assert ground.attrib["d"] == f"M0 0h{side}v{side}h-{side}z"


def test_a_qr_code_has_no_style_and_no_script() -> None:
    names = {name for element in ET.fromstring(svg(URL)).iter() for name in element.attrib}
    assert "style" not in names
    assert not {name for name in names if name.startswith("on")}
    assert "<style" not in svg(URL)


@pytest.mark.parametrize("text", [URL, 'A "b" <c>'])
def test_a_qr_code_has_a_role_and_a_name_for_screen_readers(text: str) -> None:
    drawn = ET.fromstring(svg(text))
    assert (drawn.attrib["role"], drawn.attrib["aria-label"]) == ("img", text)


def test_without_its_extra_there_is_no_qr_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    assert svg(URL) == ""


def test_a_text_that_is_too_long_for_a_qr_code_gives_none() -> None:
    assert svg("x" * 3000) == ""


def test_a_qr_code_without_a_label_is_labelled_with_its_text() -> None:
    assert ET.fromstring(svg(URL)).attrib["aria-label"] == URL


def test_a_qr_code_is_a_square_of_four_pixels_a_module() -> None:
    drawn = ET.fromstring(svg(URL))
    side = str(4 * int(drawn.attrib["viewBox"].split()[-1]))
    assert (drawn.attrib["width"], drawn.attrib["height"]) == (side, side)
    assert [part.attrib.get("class") for part in drawn.iter()] == ["wx-qr", None, None]
