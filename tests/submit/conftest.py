"""A store to submit to, and users with exactly these permissions."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from tests.conftest import ENV
from tests.upload.conftest import shop as shop
from wx_static_store.core.refusals import PolicyRejected
from wx_static_store.core.types import UploadItem
from wx_static_store.emulator import EmulatorServer
from wx_static_store.submit.policy import Target, authorize_upload
from wx_static_store.upload.claims import Claim

HERE = Target("default", ENV, "default")

UserWith = Callable[..., User]


@pytest.fixture
def user_with() -> UserWith:
    """`user_with("upload", …)`: one who has these permissions and no other."""

    def create(*permissions: str, **fields: Any) -> User:
        user = User.objects.create_user(f"u{User.objects.count()}", **fields)
        found = Permission.objects.filter(
            codename__in=permissions, content_type__app_label__startswith="wx_static_store"
        )
        assert len(found) == len(permissions)
        user.user_permissions.set(found)
        return user

    return create


@pytest.fixture
def cloud(configure: Any) -> EmulatorServer:
    server: EmulatorServer = configure()
    return server


def ask(user: Any, name: str = "uploads/a.txt", body: bytes = b"text", **more: Any) -> UploadItem:
    more = {"size": len(body), "claim": Claim()} | more
    return authorize_upload(user, HERE, name, io.BytesIO(body), **more)


def refusal(user: Any, *args: Any, **more: Any) -> PolicyRejected:
    with pytest.raises(PolicyRejected) as caught:
        ask(user, *args, **more)
    return caught.value


def code(user: Any, *args: Any, **more: Any) -> str:
    """How the policy refuses; empty where it does not."""
    claim = Claim()
    try:
        ask(user, *args, claim=claim, **more)
    except PolicyRejected as error:
        return error.code
    finally:
        claim.release()
    return ""
