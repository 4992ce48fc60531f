"""The addresses of the project in `site.py`."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("wx/", include("wx_static_store.api.urls")),
]
