"""The admin and the callback."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("wx/callback/", include("wx_static_store.callback.urls")),
]
