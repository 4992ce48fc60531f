"""What the demo publishes: a text in two languages and a picture that nobody had to draw."""

from io import BytesIO
from itertools import pairwise

from PIL import Image, ImageDraw

TITLE = "Spring price list"
DESCRIPTION = (
    "Teas of the first harvest, with their prices for 100 g. "
    "List and picture come from the public site."
)
TEXT_NAME = "spring price list 春季价目表.txt"
TEXT = """\
Spring price list 春季价目表
===========================

Longjing     龙井      per 100 g    88.00
Biluochun    碧螺春    per 100 g    96.00
Baihao       白毫      per 100 g    74.50

Everything here is public. 此处所有内容均为公开。
""".encode()

PICTURE_NAME = "tea hills.png"
_WIDTH, _HEIGHT, _FINE = 960, 540, 2  # drawn twice as large, so that edges are smooth
_SKY = ((253, 226, 190), (187, 222, 219))
_HILLS = (
    ((136, 190, 160), [(0, 330), (220, 250), (470, 340), (720, 240), (960, 320)]),
    ((82, 151, 118), [(0, 420), (260, 330), (520, 420), (760, 340), (960, 400)]),
    ((36, 104, 84), [(0, 470), (240, 450), (500, 490), (740, 430), (960, 480)]),
)


def picture() -> bytes:
    """Draw hills at sunrise as a PNG; the same bytes each time."""
    image = Image.new("RGB", (_WIDTH * _FINE, _HEIGHT * _FINE))
    draw = ImageDraw.Draw(image)
    for y in range(image.height):
        share = y / image.height
        draw.line([(0, y), (image.width, y)], fill=_mixed(*_SKY, share))
    draw.ellipse([_fine(640, 110), _fine(780, 250)], fill=(246, 146, 95))
    for colour, ridge in _HILLS:
        outline = [_fine(x, y) for x, y in [*_smooth(ridge), (_WIDTH, _HEIGHT), (0, _HEIGHT)]]
        draw.polygon(outline, fill=colour)
    out = BytesIO()
    image.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _mixed(top: tuple[int, ...], bottom: tuple[int, ...], share: float) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True))


def _fine(x: float, y: float) -> tuple[int, int]:
    return round(x * _FINE), round(y * _FINE)


def _smooth(ridge: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """Points between the given ones, eased so that tops and valleys are round."""
    points = []
    for (x1, y1), (x2, y2) in pairwise(ridge):
        for step in range(40):
            share = step / 40
            eased = share * share * (3 - 2 * share)
            points.append((x1 + (x2 - x1) * share, y1 + (y2 - y1) * eased))
    return [*points, ridge[-1]]
