"""The admin of a project, and its URLconf."""

from django.contrib import admin
from django.urls import path

from wx_static_store.forms import WxAdminMixin

from .models import Book, Sample


class SampleInline(WxAdminMixin, admin.TabularInline):  # type: ignore[type-arg]
    model = Sample
    extra = 1


class BookAdmin(WxAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    fields = ("title", "file", "cover")
    list_display = ("title", "file")
    list_editable = ("file",)
    inlines = (SampleInline,)


site = admin.AdminSite()
site.register(Book, BookAdmin)
urlpatterns = [path("admin/", site.urls)]
