"""
``python .ci/same_bytes.py ARCHIVE``: write a source archive anew, without what differs each time.

setuptools dates what it writes itself, and gzip its header, by the clock. A wheel has the time of
SOURCE_DATE_EPOCH already.
"""

import gzip
import os
import sys
import tarfile
from pathlib import Path


def same(member: tarfile.TarInfo, time: int) -> tarfile.TarInfo:
    """Return the member of everybody: his, at that time, executable or not."""
    mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    of_nobody = {"uid": 0, "gid": 0, "uname": "", "gname": ""}
    return member.replace(mtime=time, mode=mode, **of_nobody, deep=False)


def main(path: Path, time: int) -> None:
    with tarfile.open(path) as archive:
        content = [(same(member, time), archive.extractfile(member)) for member in archive]
        with (
            gzip.GzipFile(path.with_suffix(".new"), "wb", mtime=time) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
        ):
            for member, body in content:
                member.pax_headers.clear()
                new.addfile(member, body)
    path.with_suffix(".new").replace(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(os.environ["SOURCE_DATE_EPOCH"]))
