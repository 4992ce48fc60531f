"""The admin: a model with the upload while a form is checked, and a page of the app, changed."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from wx_static_store.admin import UploadLogAdmin
from wx_static_store.forms import WxAdminMixin
from wx_static_store.models import UploadLog

from .models import Book

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Book]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(Book)
class BookAdmin(WxAdminMixin, ModelAdmin):
    list_display = ("title", "file")
    wx_any_file = ("file",)


class ShortLogAdmin(UploadLogAdmin):
    list_per_page = 20
    search_fields = ["key"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_authenticated and super().has_view_permission(request, obj)


admin.site.unregister(UploadLog)
admin.site.register(UploadLog, ShortLogAdmin)
