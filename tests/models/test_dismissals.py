"""A dismissal belongs to one row, and goes with it."""

from typing import Any

import pytest

from tests.log.conftest import row
from wx_static_store.models import Dismissal

pytestmark = pytest.mark.django_db


def test_a_dismissal_outlives_its_user_and_goes_with_its_upload(django_user_model: Any) -> None:
    user, upload = django_user_model.objects.create_user("eve"), row("a.txt", status="failed")
    Dismissal.objects.create(upload=upload, user=user)
    user.delete()
    assert Dismissal.objects.get().user is None
    upload.delete()
    assert not Dismissal.objects.exists()
