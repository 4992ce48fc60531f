"""A project with our API in it."""

from django.urls import include, path

urlpatterns = [path("wx/", include("wx_static_store.api.urls"))]
