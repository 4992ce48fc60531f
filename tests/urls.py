"""The callback, and no other pages: the suite asks none."""

from django.urls import include, path

urlpatterns = [path("wx/callback/", include("wx_static_store.callback.urls"))]
