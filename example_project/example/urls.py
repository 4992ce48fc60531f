from django.apps import apps
from django.contrib import admin
from django.urls import include, path

admin.site.site_header = admin.site.site_title = "Tea House"
admin.site.index_title = "Everything you save here is public"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("documents.urls")),
]
if apps.is_installed("wx_static_store.callback"):
    urlpatterns.append(path("wx/callback/", include("wx_static_store.callback.urls")))
