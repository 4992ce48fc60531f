"""The clients and stores of the admin's tests."""

from tests.admin.conftest import admin_site, editor

__all__ = ["admin_site", "editor"]
