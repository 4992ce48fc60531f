"""Wagtail's images and documents over `WxStorage`."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from wagtail.documents import get_document_model
from wagtail.documents.forms import get_document_form
from wagtail.images import get_image_model
from wagtail.images.forms import get_image_form
from wagtail.models import Collection

from tests.compat.conftest import BLUE, RED, Place, look, picture
from wx_static_store.core.types import DELETED

Image, Document = get_image_model(), get_document_model()


@pytest.fixture(autouse=True)
def _root(db: None) -> None:
    Collection.add_root(name="Root")  # a migration of Wagtail's makes it


@pytest.fixture
def image(place: Place) -> Any:
    made = Image.objects.create(title="a", file=picture(RED))
    return Image.objects.get(pk=made.pk)


@pytest.fixture
def document(place: Place) -> Any:
    made = Document.objects.create(title="a", file=ContentFile(b"old", "a.txt"))
    return Document.objects.get(pk=made.pk)


def edit(form: Any, item: Any, name: str, content: bytes) -> Any:
    """As an editor replaces the file."""
    data = {"title": "a", "collection": Collection.objects.get().pk, "tags": ""}
    filled = form(data, {"file": SimpleUploadedFile(name, content)}, instance=item)
    assert filled.is_valid(), filled.errors
    return filled.save()


def shown(place: Place, url: str) -> bytes:
    """Return what Wagtail's address of a document gives: the bytes, or their address."""
    answer = Client().get(url)
    return place.get(answer["Location"]) if answer.status_code == 302 else answer.getvalue()


def test_an_image_is_stored_as_it_came(image: Any, place: Place) -> None:
    assert place.files() == {"original_images/a.png": picture(RED).read()}
    assert (image.width, image.height) == (40, 20)


def test_a_rendition_is_shown(image: Any, place: Place) -> None:
    assert look(place.get(image.get_rendition("width-10").url)) == ((10, 5), RED)


def test_an_image_is_measured_after_it_was_stored(image: Any, place: Place) -> None:
    assert image.get_file_size() == len(picture(RED))
    assert len(image.get_file_hash()) == 40


def test_a_replaced_image_is_gone_with_its_renditions(
    image: Any, place: Place, committed: Callable[[], Any]
) -> None:
    image.get_rendition("width-10")
    names = set(place.files())
    with committed():
        edited = edit(get_image_form(Image), image, "b.png", picture(BLUE).read())
    assert len(names) == 2
    assert all(place.gone(name) for name in names)
    assert look(place.get(edited.get_rendition("width-10").url)) == ((10, 5), BLUE)


def test_a_deleted_image_is_gone_with_its_renditions(
    image: Any, place: Place, committed: Callable[[], Any]
) -> None:
    image.get_rendition("width-10")
    names = set(place.files())
    with committed():
        image.delete()
    assert len(names) == 2
    assert all(place.gone(name) for name in names)


def test_a_document_is_stored_and_shown(document: Any, place: Place) -> None:
    assert place.files() == {"documents/a.txt": b"old"}
    assert shown(place, document.url) == b"old"


def test_a_replaced_document_is_gone_and_the_new_one_is_shown(
    document: Any, place: Place, committed: Callable[[], Any]
) -> None:
    with committed():
        edited = edit(get_document_form(Document), document, "b.txt", b"new")
    assert place.gone("documents/a.txt")
    assert shown(place, edited.url) == b"new"


def test_a_deleted_document_is_gone(
    document: Any, place: Place, committed: Callable[[], Any]
) -> None:
    with committed():
        document.delete()
    assert place.gone("documents/a.txt")


def test_a_document_is_deleted_where_a_function_tells_the_environment(
    configure: Any, committed: Callable[[], Any]
) -> None:
    """
    It stands in `WX_STATIC_STORE`: Wagtail writes the options of a storage into its task as JSON,
    and a function among them would end the delete with the file still public.
    """
    cloud = configure(WX_STATIC_STORE={"ENV": lambda: "tenant-b"})
    document = Document.objects.create(title="a", file=ContentFile(b"old", "a.txt"))
    with committed():
        document.delete()
    assert cloud.objects("tenant-b")["documents/a.txt"].body == DELETED
