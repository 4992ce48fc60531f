"""What others may rely on: names and signatures change only together with this file."""

import dataclasses
import importlib
import inspect
from typing import Any

import pytest

from wx_static_store.clients.component import ComponentToken
from wx_static_store.clients.tokens import FixedToken, TokenProvider
from wx_static_store.core import types
from wx_static_store.core.types import UploadContext, UploadItem, UploadResult, UploadStatus
from wx_static_store.upload.uploader import Uploader, get_uploader

FACE = {
    "wx_static_store.storage": {"WxStorage"},
    "wx_static_store.staticfiles": {"WxStaticFilesStorage", "WxManifestStaticFilesStorage"},
    "wx_static_store.upload.uploader": {"Uploader", "get_uploader"},
    "wx_static_store.upload.store": {"Store", "get_store"},
    "wx_static_store.deploy.publish": {"PublishFailed", "Report", "publish"},
    "wx_static_store.deploy.plan": {"Plan", "differs", "hash_items", "make_plan"},
    "wx_static_store.callback.signals": {"event_received"},
    "wx_static_store.callback.tickets": {"newest", "save"},
    "wx_static_store.emulator": {"EmulatorServer"},
}


@pytest.mark.parametrize("module", FACE)
def test_public_names_are_listed(module: str) -> None:
    loaded = importlib.import_module(module)
    assert set(loaded.__all__) == FACE[module]
    assert all(hasattr(loaded, name) for name in loaded.__all__)


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (UploadItem, ["name", "open", "size", "content_type", "md5", "hashed", "close"]),
        (UploadContext, ["source", "source_ref", "user_id", "deployment_id"]),
        (
            UploadResult,
            ["name", "key", "status", "size", "md5", "attempts", "seconds", "stage", "error",
             "rid", "request_id"],
        ),
    ],
)  # fmt: skip
def test_values_that_travel_are_frozen_and_have_their_fields(value: Any, fields: list[str]) -> None:
    assert value.__dataclass_params__.frozen
    assert set(fields) <= {field.name for field in dataclasses.fields(value)}


def test_statuses_are_texts() -> None:
    assert [*UploadStatus] == ["stored", "failed", "unknown"]


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (get_uploader, ["using", "env"]),
        (Uploader.transfer, ["self", "item"]),
        (Uploader.upload, ["self", "item", "context"]),
        (Uploader.upload_many, ["self", "items", "context"]),
    ],
)
def test_signatures_of_the_neck(function: Any, parameters: list[str]) -> None:
    positional = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    assert positional == parameters


@pytest.mark.parametrize("provider", [FixedToken, ComponentToken])
def test_our_providers_keep_the_protocol(provider: type) -> None:
    assert issubclass(provider, TokenProvider)


def test_the_marker_is_what_the_documents_say() -> None:
    assert types.DELETED == b"this file was deleted\n"
