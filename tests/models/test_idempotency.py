"""The answers that are kept for a request that may come twice."""

import pytest
from django.db import IntegrityError
from django.utils import timezone

from wx_static_store.models import IdempotencyKey


@pytest.mark.django_db
def test_a_key_is_kept_once() -> None:
    now = timezone.now()
    IdempotencyKey.objects.create(digest="d", running_until=now, expires=now)
    with pytest.raises(IntegrityError):
        IdempotencyKey.objects.create(digest="d", running_until=now, expires=now)
