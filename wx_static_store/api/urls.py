from django.urls import path, register_converter
from django.urls.converters import PathConverter

from . import views


class NameConverter(PathConverter):
    """A line break as well: our own rules say what is wrong with a name."""

    regex = r"[\s\S]+"


register_converter(NameConverter, "wx_name")

app_name = "wx_static_store"
urlpatterns = [
    path("uploads/", views.Uploads.as_view(), name="uploads"),
    path("uploads/<str:id>/", views.Upload.as_view(), name="upload"),
    path("uploads/<str:id>/retry/", views.Retry.as_view(), name="retry"),
    path("uploads/<str:store>/<wx_name:name>", views.RawUpload.as_view(), name="raw-upload"),
    path("stores/", views.StoreList.as_view(), name="stores"),
    path("stores/<str:store>/files/", views.FileList.as_view(), name="files"),
]
