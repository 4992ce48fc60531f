"""The examples of the OpenAPI document are answers as the serializers write them."""

from __future__ import annotations

from typing import Any

import pytest

from wx_static_store.api import examples, serializers


@pytest.mark.parametrize(
    ("example", "serializer"),
    [
        (examples.UPLOADED, serializers.UploadedSerializer),
        (examples.RECEIVED, serializers.DiagnosisSerializer),
        (examples.STORE, serializers.StoreSerializer),
    ],
)
def test_an_example_has_every_member(example: dict[str, Any], serializer: Any) -> None:
    assert {*example} == {*serializer().fields}
