"""The code of docs/howto/jobs.rst uploads in a fresh project."""

from pathlib import Path

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks
from tests.docs.reader import Reader


@slow
def test_code_of_a_project_uploads_one_file_and_many(tmp_path: Path) -> None:
    start, settings = (
        next(block for block in blocks(DOCS / "tutorial.rst") if text in block.text)
        for text in ("wx_static_store.emulator\n", "STORAGES = {")
    )
    with Reader(tmp_path) as reader:
        reader.type("django-admin startproject config .", "")
        reader.follow([start, settings])
        reader.type("python manage.py migrate -v 0", "")
        reader.follow(blocks(DOCS / "howto" / "jobs.rst"))
