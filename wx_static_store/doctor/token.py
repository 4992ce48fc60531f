"""The token: where it comes from, and whether WeChat accepts it."""

from __future__ import annotations

from collections.abc import Iterator

from ..i18n import gettext_lazy as _
from .findings import Check, Finding, ok
from .patient import Patient


def _accepted(patient: Patient) -> Iterator[Finding]:
    listed = patient.environments
    yield ok(_("WeChat accepts the token."), data={"environments": len(listed)})


CHECKS = (
    Check(
        id="token.accepted",
        question=_("Does WeChat accept the token?"),
        how=_("The environments of the platform are listed (describeenvs) with the token."),
        means=_("A refusal says by its errcode whether the token, the address or the platform is."),
        remedy=_("Look up the errcode in the documentation."),
        ask=_accepted,
    ),
)
