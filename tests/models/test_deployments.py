"""The deploys: which of them left rows that may be outdated."""

import pytest

from wx_static_store.models import Deployment

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("outcome", "counts"), [("running", 1), ("incomplete", 1), ("done", 0), ("failed", 0)]
)
def test_a_deploy_is_unfinished_while_rows_of_it_may_be_missing(outcome: str, counts: int) -> None:
    Deployment.objects.create(env="env-1", outcome=outcome)
    assert Deployment.objects.unfinished("env-1").count() == counts


def test_a_deploy_of_another_environment_is_not_unfinished_here() -> None:
    Deployment.objects.create(env="env-2")
    assert not Deployment.objects.unfinished("env-1")


def test_a_deploy_is_named_by_its_label() -> None:
    assert str(Deployment(label="v1", source="wx_deploy", env="env-1")) == "v1 → env-1"


def test_a_deploy_without_a_label_is_named_by_its_source() -> None:
    assert str(Deployment(source="wx_deploy", env="env-1")) == "wx_deploy → env-1"
