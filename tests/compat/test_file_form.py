"""django-file-form over `WxStorage`: the file waits in a local folder until its form is sent."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.test import Client
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django_file_form.forms import FileFormMixin, MultipleUploadedFileField, UploadedFileField
from django_file_form.models import TemporaryUploadedFile

from tests.compat.conftest import Place
from tests.compat.models import Attached

FORM_ID = "1b2c"
PROTOCOL = {"Tus-Resumable": "1.0.0"}


class One(FileFormMixin, forms.ModelForm):  # type: ignore[misc]
    file = UploadedFileField()

    class Meta:
        model = Attached
        fields = ("file",)


class Many(FileFormMixin, forms.Form):  # type: ignore[misc]
    file = MultipleUploadedFileField()


@pytest.fixture(autouse=True)
def waiting(place: Place, settings: Any, tmp_path: Path) -> Path:
    """Where the package keeps a file until its form is sent."""
    settings.MEDIA_ROOT = str(tmp_path / "local")
    folder = tmp_path / "local" / "temp_uploads"
    folder.mkdir(parents=True)
    return folder


def upload(name: str, content: bytes, parts: int = 1) -> None:
    """As the package's script does, in one part or in several."""
    client = Client()
    shown = {"filename": name, "fieldName": "file", "formId": FORM_ID}
    pairs = (f"{key} {b64encode(value.encode()).decode()}" for key, value in shown.items())
    facts = {"Upload-Length": str(len(content)), "Upload-Metadata": ",".join(pairs)}
    url = client.post(reverse("tus_upload"), headers=PROTOCOL | facts)["Location"]
    size = -(-len(content) // parts)
    for offset in range(0, len(content), size):
        place = PROTOCOL | {"Upload-Offset": str(offset)}
        part = content[offset : offset + size]
        kind = "application/offset+octet-stream"
        assert client.patch(url, part, content_type=kind, headers=place).status_code == 204


@contextmanager
def filled(kind: type[Any]) -> Iterator[Any]:
    """Yield the form that names the upload; close its files as a request does."""
    files: MultiValueDict[str, Any] = MultiValueDict()
    form = kind({"form_id": FORM_ID}, files)
    assert form.is_valid(), form.errors
    yield form
    for file in files.getlist("file"):
        file.close()


def send() -> Any:
    """As a view does."""
    with filled(One) as form:
        attached = form.save()
        form.delete_temporary_files()
    return Attached.objects.get(pk=attached.pk)


@pytest.mark.parametrize("parts", [1, 3])
def test_an_uploaded_file_is_stored_and_shown(place: Place, parts: int) -> None:
    upload("a.txt", b"hello", parts)
    attached = send()
    assert place.files() == {"attached/a.txt": b"hello"}
    assert place.get(attached.file.url) == b"hello"


def test_a_file_of_many_blocks_is_stored_as_it_came(place: Place) -> None:
    content = bytes(range(256)) * 12_000
    upload("a.bin", content, parts=2)
    send()
    assert place.files() == {"attached/a.bin": content}


def test_nothing_is_public_before_the_form_is_sent(place: Place, waiting: Path) -> None:
    upload("a.txt", b"hello")
    assert len(list(waiting.iterdir())) == 1
    assert place.files() == {}


def test_nothing_waits_after_the_form_was_sent(waiting: Path) -> None:
    upload("a.txt", b"hello")
    send()
    assert list(waiting.iterdir()) == []
    assert not TemporaryUploadedFile.objects.exists()


def test_a_form_that_read_the_file_stores_it_from_its_start(place: Place) -> None:
    upload("a.txt", b"hello")
    with filled(One) as form:
        assert form.cleaned_data["file"].read() == b"hello"
        form.save()
    assert place.files() == {"attached/a.txt": b"hello"}


def test_a_file_of_a_taken_name_does_not_touch_the_first(place: Place) -> None:
    for content in (b"old", b"new"):
        upload("a.txt", content)
        last = send()
    assert place.files() == {"attached/a.txt": b"old", last.file.name: b"new"}


def test_a_form_with_a_stored_file_tells_its_size() -> None:
    upload("a.txt", b"hello")
    form = One(instance=send())
    shown = {"name": "attached/a.txt", "size": 5, "type": "existing"}
    assert forms.JSONField().to_python(form["file-uploads"].initial) == [shown]


def test_each_of_many_files_is_stored(place: Place) -> None:
    for name in ("a.txt", "b.txt"):
        upload(name, name.encode())
    with filled(Many) as form:
        for file in form.cleaned_data["file"]:
            Attached.objects.create(file=file)
    assert place.files() == {"attached/a.txt": b"a.txt", "attached/b.txt": b"b.txt"}
