"""The views of uploads, of stores, of what is in the cloud, and of what waits."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from ..conf import platform_options
from ..core.naming import clean_name, object_key
from ..core.types import RemoteFile, UploadContext, UploadItem, UploadResult, UploadStatus
from ..exceptions import SourceError, WxStaticStoreError
from ..i18n import listed
from ..log.diagnosis import diagnose, text_of
from ..log.owner import owning_alias
from ..log.retry import retry_uploads
from ..models import UploadLog, WaitingFile
from ..submit import policy
from ..submit.access import Act, may, offered
from ..submit.policy import Target, target
from ..submit.send import send
from ..upload.database import in_database
from ..upload.parked import row_ahead
from ..upload.presence import look
from ..upload.recorder import record_one
from ..upload.store import Store, get_store
from ..upload.uploader import get_uploader
from . import conditions, lists, operations, parameters, problems, serializers
from .addresses import location
from .base import View
from .body import EndedEarly, RawParser, clean_body, require_length, spooled_body
from .idempotency import once
from .operations import CLOUD, EVERYBODY, ONCE, READ, SENDER, STORE, Operation, pages_of

_sends = partial(Operation, answer=serializers.UploadedSerializer, status=201, once=True)

_NAME_ONE = _("Name the store. These are offered to you: %(names)s")
_EARLY = _("The client's body ended before its Content-Length")
_SEND_AGAIN = _("Send the file again.")


class Uploads(View):
    """The log, and the upload by a form."""

    parser_classes = [MultiPartParser]

    @Operation.of_rows(
        "wx_uploads_list",
        _("The log of uploads"),
        serializers.RowSerializer,
        (Act.SEE_LOG, Act.UPLOAD),
        parameters.LogQuery,
    )
    def get(self, request: Request) -> Response:
        query = self.query
        rows = lists.filter_rows(lists.readable(UploadLog.objects.all(), request), query)
        shown = partial(serializers.rows_for, request)
        return lists.page_rows(request, rows, query, "log", shown, by=query["ordering"])

    @_sends(
        "wx_uploads_create",
        _("Upload a file by a form"),
        (*SENDER, *operations.FILE, *CLOUD, *ONCE),
        needs=(Act.UPLOAD,),
        description=_(
            "Every uploaded file is public. The answer comes when the cloud has it. A store may "
            "let files wait while WeChat is away: the answer is then 202."
        ),
        request={"multipart/form-data": parameters.Form},
        waits=True,
        headers=operations.MATCH,
    )
    def post(self, request: Request) -> Response:
        require_length(request)
        given = clean_body(parameters.Form, request)
        file = given.pop("file")
        to = _named_target(request.user, given["store"], given["env"] or None)
        name = given["path"] or platform_options().upload_location
        name = name if name and not name.endswith("/") else name + file.name
        facts = given | {"file": name}
        if given["generate"]:
            name = policy.generated_name(name)
        return _upload_once(request, facts, to, name, file.file, file.size)


def _named_target(user: Any, using: str, env: str | None) -> Target:
    """Return the target that the form names; without a store, the only target of the user."""
    if using:
        return target(user, using, env)
    offered = [to for to in policy.stores_for(user) if env in (None, to.env)]
    if len(offered) != 1:
        names = listed(sorted({to.using for to in offered}) or ["-"])
        raise ValidationError({"store": [_NAME_ONE % {"names": names}]})
    return offered[0]


def _upload_once(
    request: Request, facts: Mapping[str, Any], to: Target, name: str, file: BinaryIO, size: int
) -> Response:
    """Upload the file, or return the answer of the first request with its Idempotency-Key."""

    def work() -> Response:
        # A file that must be new replaces none later, either.
        replaces = facts["overwrite"] and request.headers.get("If-None-Match") != "*"
        result, row = send(
            request.user,
            to,
            name,
            file,
            context_of(request),
            size=size,
            overwrite=replaces,
            precondition=partial(conditions.require_state, request, to),
            waits=not (replaces and {"If-Match", "If-None-Match"} & {*request.headers}),
        )
        return upload_response(request, to.using, result, row)

    return once(request, facts, file, work, env=to.env)


class Upload(View):
    """One row of the log."""

    @Operation.of_row(
        "wx_uploads_retrieve",
        _("One upload of the log"),
        serializers.RowSerializer,
        (Act.SEE_LOG, Act.UPLOAD),
    )
    def get(self, request: Request, id: str) -> Response:
        row = lists.one_row(lists.readable(UploadLog.objects.all(), request), id)
        (shown,) = serializers.rows_for(request, [row])
        return Response(shown)


class Retry(View):
    """An earlier upload, once more, with the same bytes."""

    @_sends(
        "wx_uploads_retry",
        _("Upload the same bytes again"),
        (*SENDER, *operations.AGAIN, *CLOUD, *ONCE),
        needs=(Act.RETRY,),
        description=_("The bytes must still be on this server or on the public site."),
    )
    def post(self, request: Request, id: str) -> Response:
        row = lists.one_row(lists.visible_rows(request), id)
        # The environment of a row may not be offered to this user any more.
        if using := owning_alias(row):
            target(request.user, using, row.env, uploads=False)
        return once(request, {}, None, partial(self._retry, request, row), env=row.env)

    def _retry(self, request: Request, row: UploadLog) -> Response:
        [again] = retry_uploads([row], request.user, replaces=may(request.user, Act.REPLACE))
        if again.reason:
            raise again.reason
        if again.result is None:
            raise problems.Conflict("timeout")
        repeats = {"env": row.env, "source_ref": f"row {row.pk}"}
        rows = UploadLog.objects.primary().with_key(row.key).filter(**repeats).order_by("-id")
        # None where there is no log.
        newest = in_database(rows.values_list("id", flat=True).first, otherwise=None)
        return upload_response(request, owning_alias(row), again.result, newest)


class Diagnosis(View):
    """What WeChat received with the refused call of a row; it is asked at most once."""

    @Operation(
        "wx_uploads_diagnose",
        _("What WeChat received with a call that it refused"),
        (*EVERYBODY, "invalid", "not_found", "no_diagnosis", *CLOUD),
        serializers.DiagnosisSerializer,
        (Act.DIAGNOSE,),
        description=_(
            "WeChat keeps a refused call for seven days. It is asked at most once: the answer "
            "is kept for a day, without secrets."
        ),
    )
    def get(self, request: Request, id: str) -> Response:
        found = diagnose(lists.one_row(offered(lists.visible_rows(request), request.user), id))
        if isinstance(found, WxStaticStoreError):
            raise found
        bodies = {name: text_of(getattr(found, name)) for name in ("request_body", "response_body")}
        return Response(serializers.DiagnosisSerializer(asdict(found) | bodies).data)


class RawUpload(View):
    """The upload of a body that is the file."""

    parser_classes = [RawParser]

    @Operation(
        "wx_uploads_find",
        _("The file of this name, in the cloud or waiting"),
        (*EVERYBODY, "invalid", "not_found", *STORE, "store_closed", "name", *CLOUD),
        serializers.FileSerializer,
        (Act.UPLOAD, Act.SEE_LOG),
        query=parameters.At,
        description=_("HEAD answers in headers: Wx-Size, ETag (the MD5), Last-Modified, Link."),
    )
    def get(self, request: Request, store: str, name: str) -> Response:
        """Return the file that waits or is in the cloud by this name; HEAD has it in headers."""
        env, uploads = self.query["env"] or None, not may(request.user, Act.SEE_LOG)
        to = target(request.user, store, env, uploads=uploads)
        cloud = get_store(to.using, to.env)
        key = object_key(cloud.options.location, clean_name(name))
        row = row_ahead(to.using, cloud.options, key)
        if (found := (row or look(cloud, key)).file) is None:
            raise Http404
        facts = describe_file(cloud, found, waiting=row is not None)
        headers = conditions.headers_of(found, facts["url"], waits=facts["waiting"])
        return Response(facts, headers=headers)

    @_sends(
        "wx_uploads_put",
        _("Upload a file by its bytes"),
        (*SENDER, *operations.FILE, "digest", *CLOUD, *ONCE),
        needs=(Act.UPLOAD,),
        description=_("The name is below the store's location, its slashes included."),
        query=parameters.PlaceQuery,
        request={"application/octet-stream": parameters.BINARY},
        waits=True,
        headers=operations.WITH_MD5,
    )
    def put(self, request: Request, store: str, name: str) -> Response:
        given = self.query
        to, size = target(request.user, store, given["env"] or None), require_length(request)
        if given["generate"]:
            name = policy.generated_name(name)
        policy.key_for(request.user, to, name, BytesIO(), size=size)  # refuse before a byte is read
        try:
            with spooled_body(request) as file:
                conditions.require_md5(request, file)
                return _upload_once(request, given, to, name, file, size)
        except EndedEarly as early:  # before a link was asked for
            error = SourceError(_EARLY, stage="source", hint=_SEND_AGAIN)
            item = UploadItem(clean_name(name), open=BytesIO)
            result = get_uploader(to.using, to.env).failed(item, error)
            early.upload_id = record_one(result, context_of(request))
            raise


# --- stores, what is in the cloud, what waits -----------------------------------------------------


class StoreList(View):
    """Where the caller may upload."""

    @Operation(
        "wx_stores_list",
        _("Where the caller may upload, and what"),
        READ,
        serializers.StoresSerializer,
        (Act.UPLOAD, Act.SEE_LOG),
    )
    def get(self, request: Request) -> Response:
        may = policy.permissions_of(request.user)
        results = [asdict(to) | may for to in policy.stores_for(request.user)]
        facts = {"limits": platform_options(), "results": results}
        return Response(serializers.StoresSerializer(facts).data)


class FileList(View):
    """The files in the cloud."""

    @Operation(
        "wx_files_list",
        _("The files in the cloud"),
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
        found = cloud.page(prefix, lists.read_cursor(query.get("cursor", ""), of) or "")
        files = [describe_file(cloud, file) for file in found.files if not cloud.is_deleted(file)]
        return lists.page(request, files, found.marker, of)


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
        rows = lists.readable(WaitingFile.objects.all(), request)
        rows = lists.narrow(rows, self.query, "state", "env", store="using")
        shown = partial(serializers.rows_for, request, by=serializers.WaitingFileSerializer)
        return lists.page_rows(request, rows, self.query, "waiting", shown)


# --- the answer to an upload -------------------------------------------------------------------


def context_of(request: Request) -> UploadContext:
    """Return the context of an upload: the user, and the id of the request."""
    ref = f"request {problems.request_id(request)}"
    return UploadContext("api", user_id=request.user.pk, source_ref=ref)


def upload_response(
    request: Request, using: str, result: UploadResult, row: int | None
) -> Response:
    """Return the response to an upload, with the id of its row."""
    headers = {"X-WX-Status": result.status.value} | location(request, "upload", row)
    if row is not None:
        headers["X-WX-Upload-Id"] = str(row)
    if result.error:
        response = problems.of_upload(result, request, row)
        for name, value in headers.items():
            response[name] = value
        return response
    url, waits = None, result.status is UploadStatus.WAITING
    with suppress(WxStaticStoreError):  # the file is stored, even if its address is unknown
        store = get_store(using, result.env)
        # While a file waits, nobody can be asked.
        url = (store.known_url if waits else store.key_url)(result.key) or None
    facts = asdict(result) | {"id": row, "store": using, "url": url}
    status = 202 if waits else 201
    return Response(serializers.UploadedSerializer(facts).data, status, headers=headers)
