"""The deploys: which of them left rows that may be outdated."""

import pytest

from wx_static_store.models import Deployment, Release, key_digest

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


def test_a_deploy_has_the_digest_of_its_folder() -> None:
    row = Deployment.objects.create(env="env-1", folder="www/")
    row.refresh_from_db()
    assert row.folder_digest == key_digest("www/")


def test_good_are_those_with_a_release_that_ended_well_the_newest_first() -> None:
    release = Release.objects.create(digest="a" * 64, files=b"", count=0, size=0)
    made = [
        Deployment.objects.create(env="env-1", folder=folder, outcome=outcome, release=of)
        for folder, outcome, of in [
            ("www/", "done", release),
            ("www/", "failed", release),
            ("www/", "done", None),
            ("www/", "done", release),
        ]
    ]
    rows = Deployment.objects.filter(env="env-1").in_folder("www/")
    assert list(rows.good()) == [made[3], made[0]]
