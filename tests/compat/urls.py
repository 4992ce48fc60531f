"""Where Wagtail shows its documents."""

from django.urls import include, path
from wagtail.documents import urls

urlpatterns = [path("documents/", include(urls))]
