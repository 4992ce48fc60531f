"""
Each option in one entry, and the frozen `Options` of a store.

    entries     Each option: its scope, its check, its sentence for the docs
    validators  The checks of the values of options
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from typing import Any

from django.utils.functional import Promise

from ...exceptions import ConfigurationError
from ...i18n import gettext_lazy as _
from . import validators
from .entries import MEDIA, STATIC, Entries, Option, Scope

__all__ = ["MEDIA", "OPTIONS", "STATIC", "Options", "clean"]

# A function `env`, and what it returned to the caller for whom this thread works.
_kept: ContextVar[tuple[object, str]] = ContextVar("env", default=(None, ""))


@dataclass(frozen=True)
class Options(Entries):
    """The options of one store. None stands for "not set", as os.environ.get() gives it."""

    @property
    def shared(self) -> "Options":
        """Return only the platform's options: stores with equal results share a platform."""
        common = [name for name, entry in OPTIONS.items() if entry.scope is not Scope.STORE]
        return Options(**{name: getattr(self, name) for name in common})

    def for_env(self, env: str | None) -> "Options":
        """Return the options for another environment; its public address is asked of WeChat."""
        if env is None or env == self.env:
            return self
        checked = clean({"env": env}, _("The environment asked for"))["env"]
        return replace(self, env=checked, base_url="", url_prefix="")

    def settled(self) -> "Options":
        """Call `env` if it is a function, in the caller's thread."""
        if not callable(self.env):
            return self
        function, kept = _kept.get()
        if self.env == function:
            return self.for_env(kept)
        try:
            env = self.env()
        except Exception as error:  # noqa: BLE001 -- a project's own function
            why = f"{type(error).__name__}: {error}"
            raise ConfigurationError(_("env failed (%(why)s)", why=why)) from None
        return self.for_env(env if isinstance(env, str) else "")

    def keep_env(self, env: object) -> None:
        """Let `settled` return this environment in the current context, without a call."""
        _kept.set((self.env, str(env)))

    @property
    def fetches_tokens(self) -> bool:
        """Return whether tokens are fetched with the platform's own credentials."""
        own = self.token_provider or self.access_token
        return not own and bool(self.component_appid and self.component_appsecret)


OPTIONS: dict[str, Option] = {
    each.name: each.metadata["option"] for each in fields(Options) if each.metadata
}


def clean(
    options: Mapping[str, Any], where: str | Promise, *, shown: Callable[[str], str] = str
) -> dict[str, Any]:
    """Return the checked values; the ConfigurationError names the first bad one, not its value."""
    checked, why = {}, None
    for name, value in options.items():
        if value is None:
            continue
        try:
            checked[name] = OPTIONS[name].check(validators.hashable(value))
        except (ValueError, TypeError) as error:
            why = *error.args, ""
        if why:
            parts = {"where": where, "name": shown(name), "reason": why[0]}
            raise ConfigurationError(_("%(where)s: %(name)s %(reason)s", **parts), hint=why[1])
    return checked
