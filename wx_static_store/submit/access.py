"""Who may publish what where: by permissions, and by what ENVIRONMENTS offers now."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model

from ..conf import offers, platform_options
from ..conf.offered import Offer
from ..core.refusals import NO_PERMISSION, NOT_OFFERED, PolicyRejected, Rule
from ..exceptions import ConfigurationError
from ..i18n import english, gettext_lazy as _

if TYPE_CHECKING:
    from ..core.refusals import User

logger = logging.getLogger("wx_static_store.submit")

_NO_PERMISSION_NOW = _("The user who asked for it no longer has the permission")
_NOT_OFFERED_NOW = _("This environment is no longer offered to whoever asked for it")


class Act(StrEnum):
    """What a user may do, by the name of the permission."""

    UPLOAD = "upload"
    REPLACE = "replace"
    ACTIVE = "upload_active_content"
    PROTECTED = "replace_protected"
    UNPUBLISH = "unpublish"
    RETRY = "retry"
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


def require(user: User | None, act: Act, env: str) -> None:
    """Raise PolicyRejected unless the user may do it there now; None is a command."""
    if user is not None and not (user.is_active and may(user, act)):
        raise NO_PERMISSION.broken()
    # Whoever runs a command has the secrets: for them, the offer alone counts.
    if platform_options().environments and env not in offers(user):
        raise NOT_OFFERED.broken(env=env)


def require_still(user_id: int | None, act: Act, env: str) -> Any:
    """Return the user who asked for it days ago; raise PolicyRejected without the right now."""
    user = None
    if user_id is not None:
        user = get_user_model()._default_manager.filter(pk=user_id).first()
        if user is None:  # deleted, which is not a command
            raise PolicyRejected(_NO_PERMISSION_NOW)
    try:
        require(user, act, env)
    except PolicyRejected as error:
        text = _NOT_OFFERED_NOW if error.code == NOT_OFFERED.code else _NO_PERMISSION_NOW
        raise PolicyRejected(text, code=error.code) from None
    return user


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
