"""Where Wagtail shows its documents, and django-file-form receives its files."""

from django.urls import include, path
from wagtail.documents import urls

urlpatterns = [
    path("documents/", include(urls)),
    path("form/", include("django_file_form.urls")),
]
