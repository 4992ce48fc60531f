"""Fixtures of other folders that the promises need."""

from tests.submit.conftest import user_with as user_with
