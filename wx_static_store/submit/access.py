"""Who may publish what where: by permissions, and by what ENVIRONMENTS offers now."""

import logging
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from ..conf import offers, platform_options
from ..conf.offered import Offer
from ..core.refusals import PolicyRejected, Rule, User
from ..exceptions import ConfigurationError
from ..i18n import english, gettext_lazy as _

Rows = TypeVar("Rows", bound=QuerySet[Any])

MOST = 500  # environments in a condition

logger = logging.getLogger("wx_static_store.submit")

_NOT_OFFERED = _("This environment is no longer offered to whoever asked for it")


class Act(StrEnum):
    """What a user may do, by the name of the permission."""

    UPLOAD = "upload"
    REPLACE = "replace"
    ACTIVE = "upload_active_content"
    PROTECTED = "replace_protected"
    UNPUBLISH = "unpublish"
    RETRY = "retry"
    DIAGNOSE = "diagnose"
    DEPLOY = "deploy"
    SEE_LOG = "view_uploadlog"
    SEE_DEPLOYMENTS = "view_deployment"


def may(user: Any, *acts: str) -> bool:
    """Return whether the user has one of these permissions; one of another app has its label."""
    labelled = (act if "." in act else f"wx_static_store.{act}" for act in acts if act)
    return any(map(user.has_perm, labelled))


def enforce(user: User, rule: Rule, **facts: Any) -> None:
    """Raise PolicyRejected unless the user has the permission that lifts the rule."""
    if not may(user, rule.lifted_by):
        raise rule.broken(**facts)


def require(user_id: int | None, act: Act, env: str) -> Any:
    """Return the user who asked for it, perhaps days ago; raise PolicyRejected if it is over."""
    user = None
    # None is a command: whoever runs it has the secrets, and the offer alone counts.
    if user_id is not None:
        user = get_user_model()._default_manager.filter(pk=user_id).first()
        if not (user and user.is_active and may(user, act)):
            raise PolicyRejected(_("The user who asked for it no longer has the permission"))
    if platform_options().environments and env not in offers(user):
        raise PolicyRejected(_NOT_OFFERED, code="environment")
    return user


def visible(rows: Rows, user: User) -> Rows:
    """Return the rows of the environments that this user sees."""
    return _limited(rows, sees(user))


def offered(rows: Rows, user: User) -> Rows:
    """Return the rows of the environments in which this user may act; a superuser sees more."""
    envs = reach(user)
    return _limited(rows, None if envs is None else [*envs])


def is_offered(env: str, user: User) -> bool:
    """Return whether this user may act in the environment."""
    envs = reach(user)
    return envs is None or env in envs


def _limited(rows: Rows, envs: Sequence[str] | None) -> Rows:
    if envs is None:
        return rows
    # MariaDB makes a subquery of a thousand values, and reads the whole log for it.
    parts = (Q(env__in=envs[start : start + MOST]) for start in range(0, len(envs), MOST))
    return rows.filter(reduce(or_, parts, Q(pk__in=())))


def sees(user: User) -> list[str] | None:
    """Return the environments whose rows this user sees; None for all, as for a superuser."""
    envs = None if getattr(user, "is_superuser", False) else reach(user)
    return None if envs is None else [*envs]


def reach(user: User | None) -> Mapping[str, Offer] | None:
    """Return the environments that lists and forms may show, with labels and tags; None for all."""
    if not platform_options().environments:
        return None
    try:
        return offers(user)
    except ConfigurationError as error:
        # Nobody sees an environment while ENVIRONMENTS fails.
        logger.error("No environment is offered: %s", english(error))
        return {}
