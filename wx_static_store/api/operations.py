"""The operations as data: the OpenAPI document is made of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from ..rollouts.api import bodies as bodies, serializers as rollouts
from ..rollouts.lifecycle import ACTIONS
from . import deployment_serializers as deployments, examples, parameters, serializers

BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
# Types of what an address holds.
PATH: dict[str, Any] = {
    "id": int,
    "name": str,
    "action": {"type": "string", "enum": [*ACTIONS]},
}
KEY = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}

CONDITIONS = {
    "If-Match": _("The ETag of the file that is to be replaced; else the answer is 412."),
    "If-None-Match": _("With * nothing is replaced: the answer is 412 where a file is."),
    "Content-MD5": _("Of the body, in base64; of other bytes the answer is 400."),
    "Content-Digest": _("Of the body, as RFC 9530 writes it; of other bytes the answer is 400."),
}
_EVERYBODY = ("not_authenticated", "authentication_failed", "forbidden", "throttled")
_SENDER = (*_EVERYBODY, "csrf")
_READ = (*_EVERYBODY, "invalid", "configuration", "busy")
_CLOUD = ("configuration", "upstream", "busy", "timeout")
_ONCE = ("invalid", "in_progress", "other_body", "unknown")
_FILE = (
    *("parse_error", "length_required", "size", "unsupported_media_type", "store"),
    *("name", "folder", "protected", "type", "content", "exists", "digest", "precondition"),
)
_BODY = ("parse_error", "size", "unsupported_media_type")
_AGAIN = (
    *("not_found", "gone", "store", "exists"),
    *_BODY,
)
_BEGINS = (
    *(*_SENDER, *_ONCE, *_BODY, "length_required", "gone", "rollout", "configuration", "busy"),
    "workers",
)
# What the document says of a field of the form beside its type: bytes, and values to begin with.
FORM_FIELDS = {
    "file": BINARY,
    "store": {"example": "default"},
    "path": {"example": "uploads/"},
}


class Operation(NamedTuple):
    """One method of one view; `codes` are those of `PROBLEMS` that it may answer with."""

    id: str
    summary: Any
    codes: tuple[str, ...]
    answer: Any
    status: int = 200
    example: Any = None
    description: Any = ""
    query: Any = None
    request: Any = None
    once: bool = False
    begun: Any = None  # the answer 202, where workers do it
    location: Any = ""  # what is at the address that a good answer names; "" is a row of the log
    conditional: bool = False
    also: int = 0  # another status with this answer


# By the name of the view and the method.
OPERATIONS = {
    ("Uploads", "GET"): Operation(
        "wx_uploads_list",
        _("The log of uploads"),
        (*_READ, "not_found"),
        serializers.RowsSerializer,
        query=parameters.LogQuery,
    ),
    ("Uploads", "POST"): Operation(
        "wx_uploads_create",
        _("Upload a file by a form"),
        (*_SENDER, *_FILE, *_CLOUD, *_ONCE),
        serializers.UploadedSerializer,
        201,
        examples.UPLOADED,
        _("What is uploaded is public for everybody. It is sent to the cloud before this answers."),
        request={"multipart/form-data": parameters.Form},
        once=True,
        conditional=True,
    ),
    ("RawUpload", "PUT"): Operation(
        "wx_uploads_put",
        _("Upload a file by its bytes"),
        (*_SENDER, *_FILE, *_CLOUD, *_ONCE),
        serializers.UploadedSerializer,
        201,
        examples.UPLOADED,
        _("The name is below the store's location, its slashes included."),
        query=parameters.Place,
        request={"application/octet-stream": BINARY},
        once=True,
        conditional=True,
    ),
    ("RawUpload", "GET"): Operation(
        "wx_uploads_find",
        _("What is in the cloud by this name"),
        (*_EVERYBODY, "invalid", "not_found", "store", "name", *_CLOUD),
        serializers.FileSerializer,
        example={**examples.FOUND, "last_modified": "2026-01-31T12:00:00Z"},
        query=parameters.At,
        description=_("HEAD answers in headers: Wx-Size, ETag (the MD5), Last-Modified, Link."),
    ),
    ("Upload", "GET"): Operation(
        "wx_uploads_retrieve",
        _("One upload of the log"),
        (*_READ, "not_found"),
        serializers.RowSerializer,
    ),
    ("Retry", "POST"): Operation(
        "wx_uploads_retry",
        _("Upload the same bytes again"),
        (*_SENDER, *_AGAIN, *_CLOUD, *_ONCE),
        serializers.UploadedSerializer,
        201,
        examples.UPLOADED,
        _("Of files that are still to be had: on this server, or on the public site."),
        once=True,
    ),
    ("Diagnosis", "GET"): Operation(
        "wx_uploads_diagnose",
        _("What WeChat received with a call that it refused"),
        (*_EVERYBODY, "invalid", "not_found", "no_diagnosis", *_CLOUD),
        serializers.DiagnosisSerializer,
        example=examples.RECEIVED,
        description=_(
            "WeChat keeps a refused call for seven days. It is asked at most once: the answer is "
            "kept for a day, without secrets."
        ),
    ),
    ("Deployments", "GET"): Operation(
        "wx_deployments_list",
        _("The deployments"),
        (*_READ, "not_found"),
        deployments.DeploymentsSerializer,
        example={"next": None, "results": [examples.DEPLOYMENT]},
        query=parameters.DeploymentsQuery,
    ),
    ("Deployments", "POST"): Operation(
        "wx_deployments_create",
        _("Deploy a kept release to one environment, or roll it back"),
        (*_BEGINS, "upstream", "timeout"),
        deployments.DeploymentSerializer,
        201,
        examples.DEPLOYMENT,
        _(
            "Workers of Celery do it after this answers with 202. Without Celery it is done in the "
            "request if it is small, and answered with 201."
        ),
        request={
            "application/json": bodies.DeploymentBody,
            "multipart/form-data": bodies.DeploymentBody,
        },
        once=True,
        begun=rollouts.RolloutBegunSerializer,
        location=_("The rollout (202), or the deployment."),
    ),
    ("Deployment", "GET"): Operation(
        "wx_deployments_retrieve",
        _("One deployment, and what failed of it"),
        (*_READ, "not_found"),
        deployments.DeploymentDetailSerializer,
    ),
    ("Release", "GET"): Operation(
        "wx_releases_retrieve",
        _("What a tree was, and where it was deployed"),
        (*_READ, "not_found"),
        deployments.ReleaseSerializer,
        example=examples.RELEASE,
        query=parameters.ReleaseQuery,
    ),
    ("Rollouts", "GET"): Operation(
        "wx_rollouts_list",
        _("The rollouts"),
        (*_READ, "not_found"),
        rollouts.RolloutsSerializer,
        example={"next": None, "results": [examples.ROLLOUT]},
        query=parameters.RolloutsQuery,
    ),
    ("Rollout", "GET"): Operation(
        "wx_rollouts_retrieve",
        _("How far a rollout is, and how its environments stand"),
        (*_READ, "not_found"),
        rollouts.RolloutDetailSerializer,
        example=examples.ROLLOUT_DETAIL,
        query=parameters.RolloutQuery,
    ),
    ("Rollouts", "POST"): Operation(
        "wx_rollouts_create",
        _("Start a rollout"),
        (*_BEGINS, "archive"),
        rollouts.RolloutBegunSerializer,
        202,
        examples.ROLLOUT_BEGUN,
        _(
            "A kept release, or an archive of a built site, to environments in waves. Workers of "
            "Celery do it after this answers."
        ),
        request={
            "application/json": bodies.RolloutBody,
            "multipart/form-data": bodies.RolloutForm,
        },
        once=True,
        location=_("The rollout."),
    ),
    ("RolloutAction", "POST"): Operation(
        "wx_rollouts_act",
        _("Pause, resume or stop a rollout, or try again what failed"),
        (*_SENDER, *_BODY, "invalid", "not_found", "rollout", "configuration", "busy", "workers"),
        rollouts.RolloutSerializer,
        example=examples.ROLLOUT,
        description=_("What runs ends in any case. What waits is left alone after a stop."),
    ),
    ("RolloutRollback", "POST"): Operation(
        "wx_rollouts_roll_back",
        _("Give each environment back what it had before a rollout"),
        (*_BEGINS, "not_found"),
        rollouts.RolloutBegunSerializer,
        202,
        examples.ROLLOUT_BEGUN,
        _("The rollout is stopped, and another one begins."),
        request={
            "application/json": bodies.MannerBody,
            "multipart/form-data": bodies.MannerBody,
        },
        once=True,
        location=_("The rollout."),
    ),
    ("StoreList", "GET"): Operation(
        "wx_stores_list",
        _("Where one may upload, and what"),
        _READ,
        serializers.StoresSerializer,
        example={
            "folder": "uploads/",
            "max_size": 314572800,
            "extensions": ["png", "pdf"],
            "results": [examples.STORE],
        },
    ),
    ("FileList", "GET"): Operation(
        "wx_files_list",
        _("What is in the cloud"),
        (*_EVERYBODY, "invalid", "not_found", "store", *_CLOUD),
        serializers.FilesSerializer,
        example={
            "next": None,
            "results": [{**examples.FOUND, "last_modified": "2026-01-31T12:00:00Z"}],
        },
        query=parameters.FilesQuery,
    ),
    ("Health", "GET"): Operation(
        "wx_health_retrieve",
        _("What is wrong, and what to do about it"),
        _READ,
        serializers.HealthSerializer,
        example=examples.HEALTH,
        description=_(
            "For monitors: 503 where something is wrong. A warning is no fault. The checks are "
            "those of wx_doctor without --probe. Results that are younger than ten seconds are "
            "answered again."
        ),
        also=503,
    ),
}
