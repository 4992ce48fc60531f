"""The views of deployments and releases."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, cast

from django.http import Http404
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from .. import conf, models
from ..core.refusals import NO_STORE, NOT_OFFERED
from ..core.types import NOT_STORED, UploadContext
from ..deploy.report import EnvironmentReport
from ..exceptions import ConfigurationError, SourceError
from ..models import DeploymentQuerySet
from ..releases.payload import check_store
from ..releases.previews import set_end
from ..releases.rollback import MOST_BYTES, MOST_FILES, move_of, plan_rollback
from ..releases.runners import available_runner
from ..submit.access import Act, may, offered, reach, sees, visible
from ..submit.selection import select_environments
from . import lists, parameters, serializers
from .addresses import location
from .base import View
from .body import FORM_OR_JSON, clean_body
from .idempotency import once
from .operations import BEGINS, BODY, CHOICE, FORMATS, SENDER, Operation
from .problems import Conflict, answer_as

NEWEST = 20  # deployments of a release

_TOO_MUCH = _(
    "This is too much for one request, which sends %(files)d files and %(size)s at most. Run this "
    "command on the server: %(command)s"
)


class Deployments(View):
    """The deployments, the newest first."""

    parser_classes = FORM_OR_JSON

    @Operation.of_rows(
        "wx_deployments_list",
        _("The deployments"),
        serializers.DeploymentSerializer,
        (Act.SEE_DEPLOYMENTS,),
        parameters.DeploymentsQuery,
    )
    def get(self, request: Request) -> Response:
        rows, query = _visible(request), self.query
        rows = lists.narrow(rows, query, "env", "outcome", "release", store="using")
        if "folder" in query:
            rows = rows.in_folder(query["folder"])
        return lists.page_rows(request, rows, query, "deployments", partial(_serialize, request))

    @Operation(
        "wx_deployments_create",
        _("Deploy a kept release to one environment, or roll it back"),
        (*BEGINS, *CHOICE, "upstream", "timeout"),
        serializers.DeploymentSerializer,
        (Act.DEPLOY,),
        201,
        _(
            "With the app of rollouts, Celery workers deploy after the answer 202. Without it, a "
            "small deploy is done in the request: the answer is 201."
        ),
        request=dict.fromkeys(FORMATS, parameters.DeploymentBody),
        once=True,
        begun=True,
        location=_("The rollout (202), or the deployment."),
    )
    def post(self, request: Request) -> Response:
        given = clean_body(parameters.DeploymentBody, request)
        return once(request, given, None, partial(_deploy, request, given), env=given["env"])


def _deploy(request: Request, given: Mapping[str, Any]) -> Response:
    """Hand the deploy to workers; without workers, do a small one in this request."""
    user, where = request.user, {"using": given["store"], "prefix": given["prefix"]}
    envs = offered_environments(user, [given["env"]], using=given["store"])
    with answer_as("invalid", SourceError, ConfigurationError):
        among = reach(user)
        using, move = move_of(given["env"], given.get("release", ""), among=among, **where)
        check_store(using, envs)
    if runner := available_runner():
        return cast(Response, runner.answer(request, using, move))
    with answer_as("configuration", ConfigurationError):
        plan = plan_rollback(using, move, UploadContext("wx_deploy", user_id=user.pk))
    if not plan.is_small:
        most = {"files": MOST_FILES, "size": filesizeformat(MOST_BYTES)}
        raise Conflict("size", _TOO_MUCH % (most | {"command": plan.command}))
    return _created(request, plan.run())


def offered_environments(
    user: Any, named: Sequence[str], tags: Sequence[str] = (), *, using: str
) -> list[str]:
    """Return the named environments and those with the tags; raises PolicyRejected and Conflict."""
    if using and using not in conf.aliases():
        raise NO_STORE.broken(where=using)
    if conf.platform_options().environments:
        offered = conf.offers(user)  # if it fails, that is no fault of the caller: 500, not 400
        if others := [env for env in named if env not in offered]:
            raise NOT_OFFERED.broken(env=others[0])
    with answer_as("invalid", ConfigurationError):
        return select_environments(named, tags, user=user)


def _created(request: Request, report: EnvironmentReport) -> Response:
    # Another deploy to this environment holds the lock.
    if report.outcome == "skipped":
        raise Conflict("in_progress", report.error)
    if not (report.ok and report.report.deployment_id):
        raise next(iter(report.causes), None) or Conflict("upstream", report.error)
    row = _visible(request).get(pk=report.report.deployment_id)
    headers = location(request, "deployment", row.pk)
    return Response(_serialize(request, [row])[0], 201, headers=headers)


class Deployment(View):
    """One deployment, with the uploads of it that failed."""

    @Operation.of_row(
        "wx_deployments_retrieve",
        _("One deployment, and its failed files"),
        serializers.DeploymentDetailSerializer,
        (Act.SEE_DEPLOYMENTS,),
    )
    def get(self, request: Request, id: str) -> Response:
        row = lists.one_row(_visible(request), id)
        (shown,) = _serialize(request, [row])
        return Response({**shown, "failures": _failures(request, row)})


def _failures(request: Request, row: models.Deployment) -> list[dict[str, Any]]:
    if not may(request.user, Act.SEE_LOG):
        return []
    bad = lists.visible_rows(request).filter(deployment=row, status__in=NOT_STORED)
    # No index has this order: for that of the ids, MariaDB would walk the whole log.
    newest = bad.order_by("status", "-id")[: parameters.LARGEST_PAGE]
    return serializers.rows_for(request, list(newest))


class End(View):
    """The end of a preview."""

    parser_classes = FORM_OR_JSON

    @Operation(
        "wx_deployments_end",
        _("End a preview, or keep it longer"),
        (*SENDER, *BODY, "invalid", "length_required", "not_found", "configuration", "busy"),
        serializers.DeploymentSerializer,
        (Act.DEPLOY,),
        description=_("The files of a preview that has ended are overwritten by wx_prune."),
        request=dict.fromkeys(FORMATS, parameters.EndBody),
    )
    def post(self, request: Request, id: str) -> Response:
        row = lists.one_row(offered(_visible(request), request.user), id)
        given = clean_body(parameters.EndBody, request)
        with answer_as("invalid", SourceError):
            if not set_end([(row.env, row.folder)], given.get("ends")):
                raise Http404
        return Response(_serialize(request, [_visible(request).get(pk=row.pk)])[0])


class Release(View):
    """A deployed tree, with a page of its files."""

    @Operation.of_row(
        "wx_releases_retrieve",
        _("The files of a release, and where it was deployed"),
        serializers.ReleaseSerializer,
        (Act.SEE_DEPLOYMENTS,),
        parameters.ReleaseQuery,
    )
    def get(self, request: Request, id: str) -> Response:
        release = lists.one_row(models.Release.objects.all(), id)
        deployments = list(_visible(request).filter(release=release)[:NEWEST])
        if not deployments and sees(request.user) is not None:
            raise Http404
        of, size = f"release {release.pk}", self.query["page_size"]
        start = lists.read_cursor(self.query.get("cursor", ""), of) or 0
        files = list(islice(release.contents(), start, start + size))
        after = start + size if start + size < release.count else None
        page = lists.page(request, files, after, of)
        of_it = {"deployments": deployments, "files": files, "next": page.data["next"]}
        facts = vars(release) | of_it
        page.data = serializers.ReleaseSerializer(facts, context={"request": request}).data
        return page


def _visible(request: Request) -> DeploymentQuerySet:
    """Return the deployments that the caller may see, the newest first, without lists of files."""
    rows = models.Deployment.objects.select_related("release").defer("release__files")
    return visible(rows.with_is_live(), request.user)


def _serialize(request: Request, rows: list[models.Deployment]) -> Any:
    context = {"request": request}
    return serializers.DeploymentSerializer(rows, many=True, context=context).data
