"""The example of the OpenAPI document is an answer as the serializers write it."""

from __future__ import annotations

from tests.tables import each
from wx_static_store.health.api.examples import HEALTH
from wx_static_store.health.api.serializers import (
    CheckSerializer,
    FindingSerializer,
    HealthSerializer,
)

CHECK = HEALTH["checks"][0]


@each(
    ("example", "serializer"),
    [
        (HEALTH, HealthSerializer),
        (CHECK, CheckSerializer),
        (CHECK["findings"][0], FindingSerializer),
    ],
)
def test_an_example_has_every_member(example: dict[str, object], serializer: type) -> None:
    assert {*example} == {*serializer().fields}
