"""The members of deployments and releases are those that the document promises."""

from __future__ import annotations

from wx_static_store.api.deployment_serializers import (
    DeploymentDetailSerializer,
    DeploymentSerializer,
)


def test_one_deployment_has_what_a_list_shows_and_its_failures() -> None:
    listed = {*DeploymentSerializer().fields}
    assert {*DeploymentDetailSerializer().fields} - listed == {"failures"}
