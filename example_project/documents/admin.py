from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from wx_static_store.forms import WxAdminMixin

from .models import Document


@admin.register(Document)
class DocumentAdmin(WxAdminMixin, admin.ModelAdmin):
    list_display = ("title", "public_file", "created")
    search_fields = ("title", "description")

    @admin.display(description=_("public address"), ordering="file")
    def public_file(self, document: Document) -> str:
        return format_html('<a href="{}">{}</a>', document.file.url, document.file_name)
