"""The settings of docs/howto/development.rst work in a fresh project."""

from pathlib import Path

from tests.conftest import slow
from tests.docs.blocks import DOCS, blocks
from tests.docs.reader import Reader

SAVE = """python manage.py shell -v 0 -c "
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
url = default_storage.url(default_storage.save('hello.txt', ContentFile(b'Hello')))
print(url, Client(headers={'host': 'localhost'}).get(url).getvalue())"
"""


@slow
def test_a_project_in_development_keeps_and_serves_its_files_itself(tmp_path: Path) -> None:
    settings = next(b for b in blocks(DOCS / "tutorial.rst") if "STORAGES = {" in b.text)
    with Reader(tmp_path) as reader:
        reader.type("django-admin startproject config .", "")
        reader.follow([settings, *blocks(DOCS / "howto" / "development.rst")])
        reader.type(SAVE, "/media/hello.txt b'Hello'")
        assert (reader.folder / "media" / "hello.txt").read_bytes() == b"Hello"
