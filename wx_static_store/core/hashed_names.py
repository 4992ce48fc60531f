"""
Find out whether a file name carries a digest of its content, as a bundler writes it.

Browsers keep a wrong yes for a year; a wrong no costs five minutes of cache. Therefore the digest
must have the form that Django, Vite, webpack, esbuild or Parcel gives it, and must not read like a
word, a date or a version.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

_ENDING = (
    r"(?:\.(?:chunk|bundle|worker|module|min))?"
    r"\.[0-9]?[A-Za-z][A-Za-z0-9]{0,10}"  # .js, .7z, .webmanifest
    r"(?:\.map|\.gz|\.br|\.LICENSE\.txt|\.LEGAL\.txt)*"
)

# Where the digest stands, and the least number of pieces that it must fall into. People write up to
# three (iD4, HiFi2), digests mostly more. Of 147,540 file names of a Linux machine, the six that
# are taken for hashed are so. Beside each: how many digests it misses, if they are evenly spread.
_PATTERNS = tuple(
    (re.compile(pattern), pieces)
    for pattern, pieces in (
        # Parcel, webpack's [contenthash:8]: misses 9.2 %
        (rf".+\.([0-9a-f]{{8}}){_ENDING}", 3),
        # webpack's, cut to a length that a date and two letters may have: misses 20.8 to 9.9 %
        (rf".+\.([0-9a-f]{{9,11}}){_ENDING}", 4),
        # Django's 12, webpack's 16 and 20: misses 1.4 %, 0.2 %, 0.03 %
        (rf".+\.([0-9a-f]{{12,20}}){_ENDING}", 3),
        # Django's, of a file without extension: misses 1.4 %
        (r".+\.([0-9a-f]{12})", 3),
        # webpack's assets have no other name: misses 0.03 %
        (rf"([0-9a-f]{{20}}){_ENDING}", 3),
        # esbuild, base32: misses 30.4 %
        (rf".+-([A-Z2-7]{{8}}){_ENDING}", 3),
        # Vite, base64url: misses 29.1 %, and 33 % of what Vite 8 writes (begins with B, C or D)
        (rf".+-(?=[^.]*[a-z])(?=[^.]*[A-Z])([A-Za-z0-9_-]{{8}}){_ENDING}", 4),
    )
)
# Each of these forms has such a part; most names that no bundler wrote do not.
_PART = re.compile(r"[.-][\w-]{8,20}(?:\.|\Z)|\A[0-9a-f]{20}\.")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def looks_hashed(name: str) -> bool:
    """Return whether browsers may keep this file for ever, as far as its name alone can say."""
    return any(over >= 0 for _form, over in _fitting(name))


def hashed_among(names: Iterable[str]) -> set[str]:
    """Return the names of one tree that are hashed."""
    # In a folder where one name is certain, other names of its form need one piece less: a bundler
    # wrote that folder. This misses 10 % of Vite's names, 19 % of esbuild's, 2 % of Parcel's.
    found: set[str] = set()
    sure: set[tuple[str, int]] = set()
    doubtful = defaultdict(list)
    for name in names:
        for form, over in _fitting(name):
            place = (name.rpartition("/")[0], form)
            if over >= 0:
                found.add(name)
                sure.add(place)
            elif over == -1:
                doubtful[place].append(name)
    return found.union(*(doubtful.get(place, ()) for place in sure))


def _fitting(name: str) -> Iterator[tuple[int, int]]:
    """Return the forms that the name has, each with its pieces above the least number."""
    last = name.rpartition("/")[2]
    for form, (pattern, least) in enumerate(_PATTERNS if _PART.search(last) else ()):
        if match := pattern.fullmatch(last):
            # ``v2-RC1-b`` counts as its longest part.
            parts = re.split("[-_]", match[1])
            yield form, max(len(_PIECE.findall(part)) for part in parts) - least
