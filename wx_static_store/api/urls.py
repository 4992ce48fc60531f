from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path, register_converter
from django.urls.converters import PathConverter
from django.urls.resolvers import RoutePattern

from ..rollouts.api import views as rollouts
from . import deployments, views


class NameConverter(PathConverter):
    """A line break as well: our own rules say what is wrong with a name."""

    regex = r"[\s\S]+"


class OptionalSlash(RoutePattern):
    """
    A route that is found without its last slash, too.

    Else Django redirects there, and most clients repeat a redirected POST as a GET.
    """

    def match(self, path: str) -> Any:
        if found := super().match(path):
            return found
        found = super().match(path + "/")
        # An id is a number: ``uploads/<store>/retry`` is the address of a file.
        return found if found and str(found[2].get("id", "0")).isdecimal() else None


def address(route: str, view: Callable[..., Any], *, name: str) -> URLPattern:
    return URLPattern(OptionalSlash(route, name=name, is_endpoint=True), view, None, name)


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
    address("releases/<str:id>/", deployments.Release.as_view(), name="release"),
    address("rollouts/", rollouts.Rollouts.as_view(), name="rollouts"),
    address("rollouts/<str:id>/", rollouts.Rollout.as_view(), name="rollout"),
    address(
        "rollouts/<str:id>/rollback/", rollouts.RolloutRollback.as_view(), name="rollout-rollback"
    ),
    address(
        "rollouts/<str:id>/<str:action>/", rollouts.RolloutAction.as_view(), name="rollout-action"
    ),
    address("stores/", views.StoreList.as_view(), name="stores"),
    address("stores/<str:store>/files/", views.FileList.as_view(), name="files"),
    address("health/", views.Health.as_view(), name="health"),
]
