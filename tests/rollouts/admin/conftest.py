"""The fixtures of the admin: users with exactly these permissions, and rows."""

from tests.admin.conftest import admin_site, editor, member, rows, tenant, viewer

__all__ = ["admin_site", "editor", "member", "rows", "tenant", "viewer"]
