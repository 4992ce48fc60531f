"""A small site in several releases: assets named by their content, pages that come and go."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

Tree = dict[str, bytes]

FONTS = ("fonts/text.woff2", "fonts/title.woff2")
SHEETS = tuple(f"css/sheet{number}.css" for number in range(6))
ASSETS = (
    *FONTS,
    *SHEETS,
    *(f"js/part{number}.js" for number in range(9)),
    *(f"img/photo{number}.webp" for number in range(9)),
)
# No release changes these, so their names need no hash.
UNHASHED = {name: f"{name}\n".encode() for name in ("js/vendor.js", "img/logo.svg", "robots.txt")}
PAGES = (
    "index.html",
    "docs/index.html",
    *(f"docs/page{number}.html" for number in range(8)),
    *(f"news/{number}.htm" for number in range(8)),
)


def draw_releases(rng: random.Random, number: int) -> Iterator[Tree]:
    """Yield so many trees of 40 to 48 files; some assets are alike in several of them."""
    versions = dict.fromkeys(ASSETS, 0)
    uses = {page: rng.sample(ASSETS[2:], 5) for page in PAGES}
    links = {page: rng.sample(PAGES, 4) for page in PAGES}
    for _ in range(number):
        for name in rng.sample(ASSETS, rng.choice((1, 4, 10))):
            versions[name] = rng.randrange(4)
        gone = rng.sample(PAGES[1:], rng.randrange(5))
        pages = [page for page in PAGES if page not in gone]
        uses[rng.choice(pages)] = rng.sample(ASSETS[2:], 5)
        assets = dict(_assets(versions))
        tree = {_hashed(name, body): body for name, body in assets.items()}
        for page in pages:
            named = [_hashed(name, assets[name]) for name in uses[page]]
            linked = [other for other in links[page] if other in pages]
            tree[page] = _page(page, named, linked)
        yield tree | UNHASHED


def write_tree(folder: Path, tree: Tree) -> None:
    """Write the files of a release."""
    for name, body in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def _assets(versions: dict[str, int]) -> Iterator[tuple[str, bytes]]:
    """Yield each asset under its plain name; a style sheet names a font, so that goes first."""
    fonts = []
    for name, version in versions.items():
        body = f"/* {name}, version {version} */\n".encode()
        if name in FONTS:
            fonts.append(_hashed(name, body))
        elif name in SHEETS:
            font = fonts[SHEETS.index(name) % len(fonts)]
            body += f'@font-face {{ src: url("/{font}") }}\n'.encode()
        yield name, body


def _hashed(name: str, body: bytes) -> str:
    """Return the name with a digest in it, as Django writes it."""
    base, _dot, extension = name.rpartition(".")
    return f"{base}.{hashlib.md5(body).hexdigest()[:12]}.{extension}"


def _page(name: str, assets: list[str], linked: list[str]) -> bytes:
    tags = {"css": '<link rel="stylesheet" href="/%s">', "js": '<script src="/%s"></script>'}
    lines = [tags.get(asset.partition("/")[0], '<img src="/%s">') % asset for asset in assets]
    lines += [tags["js"] % "js/vendor.js", '<img src="/img/logo.svg">']
    lines += [f'<a href="/{other}">{other}</a>' for other in linked]
    return "\n".join([f"<title>{name}</title>", *lines, ""]).encode()
