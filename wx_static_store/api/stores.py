"""The views of the stores, of what is in the cloud, and of what waits."""

from dataclasses import asdict
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from ..conf import platform_options
from ..core.types import RemoteFile
from ..models import WaitingFile
from ..submit.access import Act
from ..submit.policy import permissions_of, stores_for, target
from ..upload.store import Store, get_store
from . import log, paging, parameters, serializers
from .base import View
from .operations import CLOUD, EVERYBODY, READ, STORE, Operation, pages_of


class StoreList(View):
    """Where the caller may upload."""

    @Operation(
        "wx_stores_list",
        _("Where one may upload, and what"),
        READ,
        serializers.StoresSerializer,
        (Act.UPLOAD, Act.SEE_LOG),
    )
    def get(self, request: Request) -> Response:
        may = permissions_of(request.user)
        results = [asdict(to) | may for to in stores_for(request.user)]
        facts = {"limits": platform_options(), "results": results}
        return Response(serializers.StoresSerializer(facts).data)


class FileList(View):
    """The files in the cloud."""

    @Operation(
        "wx_files_list",
        _("What is in the cloud"),
        (*EVERYBODY, "invalid", "not_found", *STORE, *CLOUD),
        pages_of(serializers.FileSerializer),
        (Act.SEE_LOG,),
        query=parameters.FilesQuery,
    )
    def get(self, request: Request, store: str) -> Response:
        query = self.query
        to = target(request.user, store, query["env"] or None, uploads=False)
        cloud = get_store(to.using, to.env)
        prefix = cloud.options.location + query["prefix"]
        of = f"{to.using} {to.env} {prefix}"
        found = cloud.page(prefix, paging.read_cursor(query.get("cursor", ""), of) or "")
        files = [describe_file(cloud, file) for file in found.files if not cloud.is_deleted(file)]
        return paging.page(request, files, found.marker, of)


def describe_file(cloud: Store, file: RemoteFile, *, waiting: bool = False) -> dict[str, Any]:
    facts = {
        "name": file.key.removeprefix(cloud.options.location),
        "url": (cloud.known_url if waiting else cloud.key_url)(file.key) or None,
        "waiting": waiting,
    }
    return serializers.FileSerializer(asdict(file) | facts).data


class WaitingFiles(View):
    """The files and deletions that wait, the newest first."""

    @Operation.of_rows(
        "wx_waiting_list",
        _("The files that wait until WeChat answers"),
        serializers.WaitingFileSerializer,
        (Act.SEE_LOG, Act.UPLOAD),
        parameters.WaitingQuery,
    )
    def get(self, request: Request) -> Response:
        rows = log.readable(WaitingFile.objects.all(), request)
        rows = log.narrow(rows, self.query, "state", "env", store="using")
        shown = partial(serializers.rows_for, request, by=serializers.WaitingFileSerializer)
        return paging.page_rows(request, rows, self.query, "waiting", shown)
