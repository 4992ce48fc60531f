"""The views of rollouts."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from ... import conf
from ...api.addresses import location
from ...api.base import View
from ...api.body import FORM_OR_JSON, clean_body
from ...api.deployments import offered_environments
from ...api.idempotency import once
from ...api.lists import narrow, one_row, page_rows
from ...api.operations import BEGINS, BODY, CHOICE, FORMATS, PATH, SENDER, Operation
from ...api.problems import answer_as
from ...deploy.environments import site_stores
from ...deploy.tree import check_prefix
from ...exceptions import ConfigurationError, SourceError
from ...i18n import listed
from ...releases import payload
from ...releases.rollback import Move, check_storage
from ...submit import queue
from ...submit.access import Act, reach, sees
from .. import lifecycle
from ..lifecycle import ACTIONS, GOING_BACK, Manner
from ..models import Rollout as Row
from ..rows import environments_of, may_steer, visible_part, visible_rollouts
from ..snapshot import Snapshot, counts_of
from ..waves import RolloutRefused, tolerated, wave_sizes
from . import serializers
from .serializers import shown

_NOT_WHOLE = _("This rollout has environments that are not offered to you.")
_NO_ENVIRONMENT = _("No environment is offered to you.")
_NAME_ONE = _("Name the store. These are for sites: %(names)s")


class Rollouts(View):
    """The rollouts, the newest first."""

    parser_classes = FORM_OR_JSON

    @Operation.of_rows(
        "wx_rollouts_list",
        _("The rollouts"),
        serializers.RolloutSerializer,
        (Act.SEE_DEPLOYMENTS,),
        serializers.RolloutsQuery,
    )
    def get(self, request: Request) -> Response:
        query = self.query
        rows = narrow(visible_rollouts(request.user), query, "state")
        return page_rows(request, rows, query, "rollouts", partial(_with_counts, request))

    @Operation(
        "wx_rollouts_create",
        _("Start a rollout"),
        (*BEGINS, *CHOICE, "archive"),
        serializers.RolloutBegunSerializer,
        (Act.DEPLOY,),
        202,
        _(
            "Deploy a kept release, or an archive of a built site, to environments in waves. "
            "Celery workers do it after the answer."
        ),
        request={
            "application/json": serializers.RolloutBody,
            "multipart/form-data": serializers.RolloutForm,
        },
        once=True,
        location=_("The rollout."),
    )
    def post(self, request: Request) -> Response:
        given = clean_body(serializers.RolloutForm, request)
        file = given.pop("file", None)
        facts = given | {"file": file and file.name}
        start = partial(_start, request, given, file)
        return once(request, facts, file and file.file, start, env="")


class Rollout(View):
    """One rollout, with a page of its environments."""

    @Operation.of_row(
        "wx_rollouts_retrieve",
        _("The progress of a rollout and of its environments"),
        serializers.RolloutDetailSerializer,
        (Act.SEE_DEPLOYMENTS,),
        serializers.RolloutQuery,
    )
    def get(self, request: Request, id: str) -> Response:
        rollout, query = one_row(visible_rollouts(request.user), id), self.query
        part = visible_part(request.user, rollout)
        rows = narrow(environments_of(rollout, part), query, "state")
        page = page_rows(request, rows, query, f"rollout {rollout.pk}", list, by="position")
        snapshot, whole = Snapshot.of_rollout(rollout, part), serializers.RolloutDetailSerializer
        [page.data] = shown(request, snapshot, by=whole, page=page.data)
        return page


class RolloutAction(View):
    """What may be done with a rollout as it stands."""

    @Operation(
        "wx_rollouts_act",
        _("Pause, resume or stop a rollout, or try again what failed"),
        (*SENDER, *BODY, "invalid", "not_found", "rollout", "configuration", "busy", "workers"),
        serializers.RolloutSerializer,
        (Act.DEPLOY,),
        description=_("Environments that are running finish. After a stop, no other begins."),
        path={**PATH, "action": {"type": "string", "enum": [*ACTIONS]}},
    )
    def post(self, request: Request, id: str, action: str) -> Response:
        if action not in ACTIONS:
            raise Http404
        rollout = _whole(request, id)
        with answer_as("rollout", RolloutRefused), answer_as("workers", ConfigurationError):
            lifecycle.act(rollout.pk, action)
        return Response(_facts(request, rollout))


class RolloutRollback(View):
    """The rollout that gives each environment back what it had before."""

    parser_classes = FORM_OR_JSON

    @Operation(
        "wx_rollouts_roll_back",
        _("Give each environment back what it had before a rollout"),
        (*BEGINS, "not_found"),
        serializers.RolloutBegunSerializer,
        (Act.DEPLOY,),
        202,
        _("The rollout is stopped, and another one begins."),
        request=dict.fromkeys(FORMATS, serializers.MannerBody),
        once=True,
        location=_("The rollout."),
    )
    def post(self, request: Request, id: str) -> Response:
        given, rollout = clean_body(serializers.MannerBody, request), _whole(request, id)
        roll_back = partial(_roll_back, request, rollout, given)
        return once(request, given, None, roll_back, env="")


# --- what begins ----------------------------------------------------------------------------------


def _start(request: Request, given: Mapping[str, Any], file: Any) -> Response:
    envs = _environments(request.user, given)
    manner = manner_of(request.user, given, len(envs))
    require_workers()
    found = _payload(request.user, given, file, envs)
    warnings = found.warnings()
    with answer_as("rollout", RolloutRefused):
        rollout = lifecycle.start(found.using, found.folder, found.targets, manner)
    return began(request, rollout, warnings)


def _roll_back(request: Request, rollout: Row, given: Mapping[str, Any]) -> Response:
    manner = manner_of(request.user, given, 1, **GOING_BACK)
    require_workers()
    with answer_as("rollout", RolloutRefused):
        new, warnings = lifecycle.roll_back(rollout.pk, manner)
    return began(request, new, warnings)


def _environments(user: Any, given: Mapping[str, Any]) -> list[str]:
    envs = offered_environments(user, given["envs"], given["tags"], using=given["store"])
    if given["all"]:
        with answer_as("invalid", ConfigurationError):
            envs = [*conf.offers(user)]
    if not envs:
        raise ValidationError({"all": [_NO_ENVIRONMENT]})
    return envs


def manner_of(user: Any, given: Mapping[str, Any], count: int, **defaults: Any) -> Manner:
    names = serializers.MannerBody().fields.keys() & given.keys()
    manner = Manner(**defaults | {name: given[name] for name in names}, user_id=user.pk)
    with answer_as("invalid", RolloutRefused):
        wave_sizes(manner.waves, count)
        tolerated(manner.tolerate, count)
    return manner


def require_workers() -> None:
    """Check that workers can be asked, and that they would find the bytes."""
    with answer_as("workers", ConfigurationError):
        queue.check_broker()
    with answer_as("configuration", ConfigurationError):
        check_storage()


def _payload(
    user: Any, given: Mapping[str, Any], file: Any, envs: Sequence[str]
) -> payload.Payload:
    using, prefix = given["store"], given["prefix"]
    with answer_as("invalid", SourceError, ConfigurationError):
        if file is None:
            among = reach(user)
            return lifecycle.of_release(
                given["release"], envs, using=using, prefix=prefix, among=among
            )
        using, prefix = using or _only_store(), check_prefix(prefix)
        payload.check_store(using, envs)
    with answer_as("configuration", ConfigurationError), answer_as("archive", SourceError):
        return payload.of_archive(file, envs, using=using, prefix=prefix)


def _only_store() -> str:
    found = site_stores()
    if len(found) != 1:
        raise ValidationError({"store": [_NAME_ONE % {"names": listed(found or ["-"])}]})
    return found[0]


def begin_move(request: Request, using: str, move: Move) -> Response:
    """Start a rollout to the environment of a move, and answer that it begins."""
    require_workers()
    with answer_as("rollout", RolloutRefused):
        return began(request, lifecycle.hand_over(using, move, user_id=request.user.pk))


def began(request: Request, rollout: Row, warnings: Sequence[str] = ()) -> Response:
    """Answer that a rollout begins."""
    body = _facts(request, rollout) | {"warnings": warnings}
    return Response(body, 202, headers=location(request, "rollout", rollout.pk))


# --- one rollout ----------------------------------------------------------------------------------


def _whole(request: Request, id: str) -> Row:
    """Return the rollout; raise PermissionDenied for who may not use all its environments."""
    rollout = one_row(visible_rollouts(request.user), id)
    if not may_steer(request.user, rollout):
        raise PermissionDenied(_NOT_WHOLE)
    return rollout


def _with_counts(request: Request, rows: Sequence[Row]) -> Any:
    counts = counts_of(rows, sees(request.user))
    return shown(request, *(Snapshot(row, counts[row.pk], [], []) for row in rows))


def _facts(request: Request, rollout: Row) -> dict[str, Any]:
    """Return the rollout as it is now."""
    row = visible_rollouts(request.user).get(pk=rollout.pk)
    [facts] = shown(request, Snapshot.of_rollout(row))
    return dict(facts)
