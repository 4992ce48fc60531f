"""The upload page where files may wait."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.upload.conftest import Shop
from wx_static_store.models import WaitingFile
from wx_static_store.upload.push import push

from ..upload_page import PNG, Member, send, send_one, text, texts

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Shop]
WAITS = "The file is kept, and will be public once it is sent."


@pytest.fixture
def here(member: Member, shop: Make) -> Shop:
    """Return a shop that has noticed an outage."""
    here = shop()
    here.notice_outage()
    return here


def test_a_file_that_waits_is_no_error(here: Shop, member: Member) -> None:
    answer = send_one(member("upload"), text("a.txt"))
    assert answer["ok"]
    assert "Waits uploads/a.txt" in texts(answer["html"])
    assert WAITS in answer["html"]
    row = WaitingFile.objects.get()
    assert (row.source, row.user_id is None) == ("admin", False)


def test_the_address_of_a_file_that_waits_is_shown_without_a_link(
    here: Shop, member: Member
) -> None:
    html = send_one(member("upload"), SimpleUploadedFile("a.png", PNG))["html"]
    url = f"{here.cloud.site_url()}/uploads/a.png"
    assert f'data-copy="{url}"' in html
    assert (f'href="{url}"' in html, "<img" in html, here.calls()) == (False, False, 0)


def test_the_second_submit_of_a_file_that_waits_shows_the_first_result(
    here: Shop, member: Member
) -> None:
    client, form_id = member("upload"), str(uuid4())
    first = send_one(client, text("a.txt"), form_id=form_id)
    here.end_outage()
    push()
    assert send_one(client, text("a.txt"), form_id=form_id) == first


def test_the_page_without_a_script_counts_what_is_public(here: Shop, member: Member) -> None:
    page = send(member("upload"), text("a.txt"), text("b.txt")).content.decode()
    assert "Public now: 0 of 2." in page
    assert page.count(WAITS) == 2


def test_a_file_beside_one_that_waits_gets_another_name(here: Shop, member: Member) -> None:
    client = member("upload")
    send_one(client, text("a.txt"))
    assert "uploads/a-2.txt" in send_one(client, text("a.txt", b"sea"), clash="keep")["html"]
    assert {*here.waiting()} == {"uploads/a.txt", "uploads/a-2.txt"}
