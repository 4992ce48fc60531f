"""Rollouts hand the core's deploys to workers."""

from __future__ import annotations

import pytest

from wx_static_store.releases import runners
from wx_static_store.rollouts import runner
from wx_static_store.rollouts.api.serializers import RolloutBegunSerializer


def test_the_app_registers_as_the_one_that_carries_out_deploys() -> None:
    assert runners.runner() is runner


def test_without_a_celery_app_requests_do_deploys() -> None:
    assert runners.available_runner() is None


@pytest.mark.usefixtures("broker")
def test_with_a_celery_app_workers_do_deploys() -> None:
    assert runners.available_runner() is runner


def test_the_openapi_document_has_the_members_of_the_answer() -> None:
    assert runner.answer_serializer() is RolloutBegunSerializer
