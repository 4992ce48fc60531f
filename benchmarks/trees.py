"""The files that are published; ``python -m benchmarks.trees DIR`` hashes those of a folder."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

A_DAY = 24 * 3600
A_FOLDER = 100  # files
MARK = b"the end"


def many(root: Path, files: int, size: int) -> Path:
    """Write files of random bytes, a day old."""
    random = Random(8)  # noqa: S311
    yesterday = time.time() - A_DAY
    for number in range(files):
        path = root / f"f{number // A_FOLDER:03}" / f"{number:06}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.randbytes(size))
        os.utime(path, (yesterday, yesterday))
    return root


def big(root: Path, size: int) -> Path:
    """Write one sparse file: reading it costs no disk."""
    root.mkdir(parents=True, exist_ok=True)
    with open(root / "big.bin", "wb") as file:
        file.seek(size - len(MARK))
        file.write(MARK)
    return root


def md5(path: Path) -> str:
    with open(path, "rb") as file:
        digest = hashlib.md5(usedforsecurity=False)
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def hash_all(root: Path) -> None:
    """Read and hash each file, in the plainest way."""
    for at, _dirs, names in os.walk(root):
        for name in names:
            body = Path(at, name).read_bytes()
            hashlib.md5(body, usedforsecurity=False).hexdigest()
            hashlib.sha256(body).hexdigest()


def change(source: Path, collected: Path, every: int, seed: int) -> int:
    """
    Other bytes in each `every`-th file; how many files that are.

    What Django collected of them is dated back: it compares whole seconds.
    """
    changed = 0
    for path in list(_files(source))[::every]:
        path.write_bytes(Random(seed).randbytes(path.stat().st_size))  # noqa: S311
        copy = collected / path.relative_to(source)
        if copy.exists():
            os.utime(copy, (0, 0))
        changed += 1
    return changed


def _files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.is_file())


if __name__ == "__main__":
    hash_all(Path(sys.argv[1]))
