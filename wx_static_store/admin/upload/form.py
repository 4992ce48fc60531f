"""The form of the upload page, and the texts of its script."""

from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any, TypeAlias, cast
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from ...conf import options_for, platform_options
from ...core.naming import object_key
from ...core.refusals import User
from ...exceptions import NameRejected, WxStaticStoreError
from ...submit.access import Act, may
from ...submit.policy import Target, check_folder, stores_for
from ...submit.submission import Submission
from ...upload.sources import digest

AnyFile: TypeAlias = "UploadedFile[Any]"  # as a text: at run time the class takes no type

# What to do with a file whose name is taken; the first choice is the default.
CLASH = {
    "skip": _("Keep the public file, and do not upload this one"),
    "replace": _("Replace the public file: visitors get the new bytes at the same address"),
    "keep": _("Keep both: the new file gets another name"),
}
TEXTS = {
    "send": _("Upload the ticked files"),
    "looking": _("Looking at %(count)s files…"),
    "ready": _("Nothing is sent yet. Ticked: %(ticked)s of %(count)s files, %(size)s."),
    "sending": _("Finished: %(done)s of %(count)s files. Leave this page open."),
    "finished": _("Public now %(stored)s, skipped %(skipped)s, not uploaded %(failed)s."),
    "and_waiting": _("%(stored)s, waiting %(waiting)s"),  # in place of `stored`
    "cancelled": _(
        "Cancelled. Public now %(stored)s, skipped %(skipped)s, not uploaded %(failed)s. "
        "Not sent, still in the list: %(left)s."
    ),
    "asking": _("Cancelled. Sent, and their outcome is being looked up: %(count)s."),
    "looked_up": _("sent, outcome being looked up"),
    "silent": _("This site does not answer; the page goes on asking for the outcome: %(count)s."),
    "interrupted": _(
        "This site was interrupted, or the network was: the outcome of %(count)s files is looked "
        "up, in about half a minute. The others go on."
    ),
    "unsure": _("Outcome unknown: %(unknown)s."),
    "skipped": _("Skipped: the public file stays."),
    "same": _("Skipped: there is nothing to send."),
    "clash": _("What to do with %(name)s"),
    "arriving": _("sending…"),
    "publishing": _("publishing…"),
    "waiting": _("waiting"),
    "unknown": _("not compared"),
    "uncompared": _(
        "The files could not be compared with what is public. You can still upload them."
    ),
    "unreadable": _("Your browser cannot read this file."),
    "twice": _("It takes the place of another file of this name, which was in the list before."),
    "lost": _("No usable answer came from this site (%(status)s)."),
    "locked_out": _(
        "This site did not let you in: you are logged out, or may not upload here any more. "
        "Log in in another tab, come back, and try again."
    ),
}


def display_name(to: Target, name: str) -> str:
    """Return the name of a file in list and result: its key, or a name that has no key."""
    with suppress(NameRejected):
        return object_key(options_for(to.using).location, name)
    return name


class TargetForm(forms.Form):
    """Where the files go; `stores` are the targets that the policy offers this user."""

    store = forms.ChoiceField(label=_("Store"))
    folder = forms.CharField(
        label=_("Target folder"),
        required=False,
        help_text=_("Below the store's own location; a folder that is not there yet is made."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    clash = forms.TypedChoiceField(
        label=_("Where the name is taken"),
        required=False,
        choices=[*CLASH.items()],
        empty_value="skip",
    )

    def __init__(self, user: User, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files, label_suffix="")
        self.user = user
        self.stores = {f"{to.using}@{to.env}": to for to in stores_for(user)}
        self.fields["store"].choices = [(value, to.label) for value, to in self.stores.items()]  # type: ignore[attr-defined]
        self.fields["folder"].initial = platform_options().upload_location
        self.may_replace = may(user, Act.REPLACE)
        offered = [each for each in CLASH.items() if self.may_replace or each[0] != "replace"]
        self.fields["clash"].choices = offered  # type: ignore[attr-defined]

    def clean_store(self) -> Target:
        return self.stores[self.cleaned_data["store"]]

    def clean_folder(self) -> str:
        folder: str = self.cleaned_data["folder"]
        return folder.removesuffix("/") + "/" if folder else ""

    def wrong_folder(self, paths: list[str]) -> list[str]:
        """Return the refusal of the folder and its hint; empty if the folder is allowed."""
        try:
            check_folder(self.user, self.cleaned_data["folder"], paths)
        except WxStaticStoreError as error:
            return [str(error.message), str(error.hint)]
        return []


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or many files, which may be empty."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[AnyFile]:
        if not data:
            raise ValidationError(self.error_messages["required"], code="required")
        return [super(FilesField, self).clean(file, initial) for file in data]


class UploadForm(TargetForm):
    """The target and the files, of which the script sends one per request."""

    file = FilesField(label=_("Files"), allow_empty_file=True)
    confirmed = forms.BooleanField(label=_("Publish anyway"), required=False)
    # The place of the file in a chosen folder.
    path = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    # The other name that the preview showed to a user who keeps both files.
    beside = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    # Both name a submission, so that the second of two equal ones is recognized.
    form_id = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)
    attempt = forms.IntegerField(required=False, widget=forms.HiddenInput)

    field_order = ("store", "folder", "file", "clash", "confirmed")

    def clean(self) -> None:
        """Report a refused folder once, at its field."""
        if self.cleaned_data.keys() >= {"folder", "file", "path"}:
            names = [name for name, _file in self.chosen_files()]
            folder = self.cleaned_data["folder"]
            if wrong := self.wrong_folder([name.removeprefix(folder) for name in names]):
                self.add_error("folder", wrong)

    def preset(self, asked: Mapping[str, str]) -> None:
        """Fill in the store and the folder of a link, and name the file to choose."""
        self.initial.update({name: asked[name] for name in ("store", "folder") if name in asked})
        if name := asked.get("name"):
            self.fields["file"].help_text = _("Choose the file %(name)s again.") % {"name": name}

    def chosen_files(self) -> list[tuple[str, AnyFile]]:
        """Return each file with its name below the store's location."""
        folder, files = self.cleaned_data["folder"], self.cleaned_data["file"]
        path = self.cleaned_data["path"] if len(files) == 1 else ""
        return [(folder + (path or file.name), file) for file in files]

    def submission(self, name: str, file: AnyFile) -> Submission:
        """Return the submission of this file; the script numbers its own."""
        to, raw = self.cleaned_data["store"], cast("Any", file.file)
        form_id, attempt = self.cleaned_data["form_id"], self.cleaned_data["attempt"]
        about: dict[str, Any] = {"using": to.using, "env": to.env, "name": name, "md5": digest(raw)}
        facts = repr((*about.values(), self.cleaned_data["clash"]))
        fingerprint = sha256(facts.encode()).hexdigest()
        about["size"] = file.size or 0
        if attempt is None:
            return Submission(f"{self.user.pk} {form_id} {fingerprint}", about=about)
        return attempt_submission(self.user, form_id, attempt, fingerprint, about)


def attempt_submission(user: User, form_id: UUID, attempt: int, *content: Any) -> Submission:
    """Return the submission of an attempt of the script."""
    # The number identifies it, so the script can ask about it before it arrives.
    return Submission(f"{user.pk} {form_id} {attempt}", *content)
