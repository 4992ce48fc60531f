"""The steps of docs/howto/move-media.rst move a folder of media in a fresh project."""

from pathlib import Path

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks
from tests.docs.reader import Reader

BEFORE = """
STORAGES["default"] = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
MEDIA_ROOT = BASE_DIR / "media"
"""


@slow
def test_a_folder_of_media_is_moved_step_by_step(tmp_path: Path) -> None:
    start, settings = (
        next(block for block in blocks(DOCS / "tutorial.rst") if text in block.text)
        for text in ("wx_static_store.emulator\n", "STORAGES = {")
    )
    with Reader(tmp_path) as reader:
        reader.type("django-admin startproject config .", "")
        reader.follow([start, settings])
        reader.append("config/settings.py", BEFORE)
        reader.type("python manage.py migrate -v 0", "")
        for name in ("leaf", "pot"):
            reader.write(f"media/tea/{name}.txt", name)
        reader.follow(blocks(DOCS / "howto" / "move-media.rst"))
        reader.type("python manage.py wx_import_media old --yes", "…unchanged 2")
