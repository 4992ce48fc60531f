"""Each refusal: its text, and the permission that lifts it."""

from collections.abc import Iterator
from operator import mod
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from django.utils.functional import lazy

from ..causes import Blame, Cause, offer
from ..exceptions import WxStaticStoreError
from ..i18n import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

_filled: Any = lazy(mod, str)  # late: it is recorded in English
# By their names: their module cannot be imported before the apps are ready.
User = Union["AbstractBaseUser", "AnonymousUser"]


class PolicyRejected(WxStaticStoreError):
    """
    The user may not do this; `code` says why in a word.

    ``forbidden``, ``store``, ``store_closed``, ``environment``, ``folder``, ``name``,
    ``protected``, ``exists``, ``in_progress``, ``type``, ``content``, ``size``.
    """

    code = "forbidden"
    stage = "policy"


class Rule(NamedTuple):
    """One reason to refuse: its text, what to do, and the permission that lifts it."""

    code: str
    message: str
    hint: str
    lifted_by: str = ""

    def broken(self, **facts: Any) -> PolicyRejected:
        hint = _filled(self.hint, facts)
        return PolicyRejected(_filled(self.message, facts), code=self.code, hint=hint)


# An entry is read as one.
# fmt: off
FORBIDDEN = Rule("forbidden", _("You may not upload files to the public site."),
    _("Ask an administrator for the permission to upload."), "upload")
NO_STORE = Rule("store", _("%(where)s is no store that you may use."),
    _("Choose one of the stores that are offered to you."))
CLOSED = Rule("store_closed", _("The store %(using)s is not open for uploads."),
    _("Choose one of the stores that are offered to you."))
NOT_OFFERED = Rule("environment", _("The environment %(env)s is not offered to you."),
    _("Name one of the environments that are offered to you."))
# Without its id: that of another tenant is nobody else's business.
OWN_NOT_OFFERED = Rule("environment",
    _("You may not publish to the environment of the store %(using)s."),
    _("Name one of the environments that are offered to you."))
FOLDER = Rule("folder", _("Files may be uploaded into the folder %(folder)s only."),
    _("Choose a folder in there. Other places need the permission to replace protected files."),
    "replace_protected")
PROTECTED = Rule("protected",
    _("%(found)s is a protected file: it may prove who owns the site, or the site depends on it."),
    _("Choose another name, or ask for the permission to replace protected files."),
    "replace_protected")
EXISTS = Rule("exists", _("There is a file %(key)s already."),
    _("Choose another name, or overwrite the file, if you have the permission to replace files."),
    "replace")
IN_PROGRESS = Rule("in_progress", _("Another upload of %(key)s is running at this moment."),
    _("Look in a minute whether the file is there."))
UNPUBLISH = Rule("forbidden", _("You may not make published files unpublic."),
    _("Ask an administrator for the permission to make files unpublic."), "unpublish")
ELSEWHERE = Rule("folder", _("%(key)s is outside of %(folder)s, the folder for uploads."),
    _("Other places need the permission to replace protected files."), "replace_protected")
SIZE = Rule("size", _("The file is too large: at most %(limit)s are allowed."),
    _("Make it smaller, or split it."))
ACTIVE = Rule("type",
    _("A file with %(found)s in its name is active content: browsers run what it holds."),
    _("Choose another kind of file, or ask for the permission to upload active content."),
    "upload_active_content")
UNLISTED = Rule("type", _("%(name)s is not of a kind that is allowed."),
    _("Choose another kind of file, or ask for the permission to upload active content."),
    "upload_active_content")
MARKUP = Rule("content", _("%(name)s holds HTML, SVG or XML, whatever its name says."),
    _("Save it as what its name says, or ask for the permission to upload active content."),
    "upload_active_content")
PROGRAM = Rule("content", _("%(name)s holds a program, whatever its name says."),
    _("Choose another file, or ask for the permission to upload active content."),
    "upload_active_content")
EMPTY = Rule("content", _("%(name)s is empty: it has no bytes."),
    _("Save the file again, and upload that."))
OTHER_CONTENT = Rule("content", _("%(name)s does not hold what its name says."),
    _("Open the file, save it again as this kind of file, and upload that."),
    "upload_active_content")
LONG = Rule("name", _("A part of the name is longer than 255 bytes."),
    _("Shorten it; a Chinese character takes three bytes."))
# fmt: on


def _entries() -> Iterator[Cause]:
    for rule in (each for each in globals().values() if isinstance(each, Rule)):
        yield Cause(rule.code, rule.message, editor=rule.hint, blame=Blame.US)


offer(_entries)
