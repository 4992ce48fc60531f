from importlib import import_module

from django.apps import apps
from django.urls import path, register_converter
from django.urls.converters import PathConverter

from . import deployments, views
from .addresses import address


class NameConverter(PathConverter):
    """A line break as well: our own rules say what is wrong with a name."""

    regex = r"[\s\S]+"


register_converter(NameConverter, "wx_name")

app_name = "wx_static_store"
urlpatterns = [
    address("uploads/", views.Uploads.as_view(), name="uploads"),
    address("uploads/<str:id>/", views.Upload.as_view(), name="upload"),
    address("uploads/<str:id>/retry/", views.Retry.as_view(), name="retry"),
    address("uploads/<str:id>/diagnosis/", views.Diagnosis.as_view(), name="diagnosis"),
    path("uploads/<str:store>/<wx_name:name>", views.RawUpload.as_view(), name="raw-upload"),
    address("deployments/", deployments.Deployments.as_view(), name="deployments"),
    address("deployments/<str:id>/", deployments.Deployment.as_view(), name="deployment"),
    address("deployments/<str:id>/end/", deployments.End.as_view(), name="deployment-end"),
    address("releases/<str:id>/", deployments.Release.as_view(), name="release"),
    address("waiting/", views.WaitingFiles.as_view(), name="waiting"),
    address("stores/", views.StoreList.as_view(), name="stores"),
    address("stores/<str:store>/files/", views.FileList.as_view(), name="files"),
]
for config in apps.get_app_configs():  # what an app beside this one adds
    if name := getattr(config, "wx_api", ""):
        urlpatterns += import_module(name).urlpatterns
