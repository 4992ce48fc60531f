"""The page *Publish a site*: an archive of it, what would be sent, and the button."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ...core import qr
from ...core.types import UploadContext
from ...deploy.environments import site_stores
from ...deploy.state import state
from ...deploy.tree import check_prefix
from ...exceptions import WxStaticStoreError
from ...models import Deployment, Release
from ...releases import payload
from ...releases.rollback import Move, RollbackPlan, plan_rollback
from ...releases.runners import available_runner
from ...submit.access import Act, may
from ...upload.database import deployments
from ..base import BOTH, Page, ReadOnlyAdmin, Tool
from ..places import places_for
from .rollback import CHANGED, SOURCE, carry_out, newest_id, plan_context

SALT = "wx_static_store_deployment_publish"  # of the signed order
LONGEST = 200  # characters of a label
LATELY = 200  # of the newest deployments, which show environments without a name
VALID = 60 * 60  # seconds in which what was shown may be begun
_AGAIN = _("This page is an hour old, or was changed. Choose the archive again.")

_TRY_AGAIN = _("To try again, choose the archive again. What is stored already is not sent twice.")


class PublishForm(forms.Form):
    """The archive and its place; the environments are those that the user may see."""

    env = forms.ChoiceField(label=_("environment"))
    using = forms.ChoiceField(label=_("store"))
    folder = forms.CharField(
        label=_("folder"), required=False, help_text=_("Below the folder of the store.")
    )
    label = forms.CharField(
        label=_("label"),
        required=False,
        max_length=LONGEST,
        help_text=_("Without one, the name of the archive."),
    )
    file = forms.FileField(
        label=_("archive"), help_text=_("The built site as .zip or .tar.gz, such as dist/.")
    )

    def __init__(self, envs: Mapping[str, str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stores = [(alias, alias) for alias in site_stores()]
        self.fields["env"].choices = [*envs.items()]  # type: ignore[attr-defined]
        self.fields["using"].choices = stores  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.label = capfirst(field.label)

    def clean_folder(self) -> str:
        try:
            return check_prefix(self.cleaned_data["folder"].strip("/"))
        except WxStaticStoreError as error:
            raise forms.ValidationError(error.sentence) from None

    def clean(self) -> dict[str, Any]:
        """Use the name of the archive where no label is given."""
        given = super().clean() or self.cleaned_data
        if "file" in given and not given.get("label"):
            given["label"] = given["file"].name[:LONGEST]
        return given


class PublishPage(ReadOnlyAdmin):
    """Mixin of the deployments, for users who may deploy."""

    def object_tools(self, request: HttpRequest) -> list[Tool]:
        url = self.page_url("publish")
        own = [Tool(_("Publish a site"), url, "addlink")] if may_publish(request) else []
        return [*super().object_tools(request), *own]

    @Page("publish", "publish/", BOTH, needs="deploy")
    def publish_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form; the first POST shows what would be sent, the second sends it."""
        if "order" in request.POST:
            return self._begin(request)
        envs = environments_for(request)
        form = PublishForm(envs, initial={"env": request.GET.get("env")})
        if request.method == "POST":
            form = PublishForm(envs, request.POST, request.FILES)
        context: dict[str, Any] = {"title": _("Publish a site"), "form": form}
        if form.is_valid():
            try:
                context |= _keep_and_plan(request, form.cleaned_data)
            except WxStaticStoreError as error:
                form.add_error("file", error.sentence)
        return self.page_response(request, "publish", context)

    def _begin(self, request: HttpRequest) -> HttpResponse:
        """Hand the release to a worker, or send it now; redirect to the page of the outcome."""
        back = self.page_url("publish")
        try:
            # Signed: what begins is what the page showed, for the user who saw it.
            order = signing.loads(request.POST["order"], salt=SALT, max_age=VALID)
            if order["user"] != request.user.pk or order["env"] not in environments_for(request):
                raise PermissionDenied
            found = _plan(request, order, Release.objects.get(pk=order["release"]))
            if newest_id(found) == order["before"]:
                if not (available_runner() or found.is_small):  # the page showed no button
                    raise PermissionDenied
                return carry_out(self, request, found, back, str(_TRY_AGAIN))
            why = str(CHANGED)
        except (signing.BadSignature, Release.DoesNotExist):
            why = str(_AGAIN)
        except WxStaticStoreError as error:
            why = str(error)
        self.message_user(request, why, messages.ERROR)
        return HttpResponseRedirect(back)


def may_publish(request: HttpRequest) -> bool:
    """Return whether this user may deploy, and the project has a store for sites."""
    return may(request.user, Act.DEPLOY) and bool(site_stores())


def environments_for(request: HttpRequest) -> Mapping[str, str]:
    """Return the environments to choose from, with labels."""
    late = deployments().order_by("-id").values_list("env", flat=True)[:LATELY]
    return {env: offer.label for env, offer in places_for(request).offers(lambda: late).items()}


def _keep_and_plan(request: HttpRequest, given: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the archive as a release; return the plan that the page shows."""
    env, using, prefix = given["env"], given["using"], given["folder"]
    payload.check_store(using, [env])
    kept = payload.of_archive(given["file"], [env], using=using, prefix=prefix)
    facts = {"env": env, "using": using, "folder": kept.folder, "label": given["label"]}
    found = _plan(request, facts, kept.release)
    order = facts | {
        "release": kept.release.pk,
        "user": request.user.pk,
        "before": newest_id(found),
    }
    context = plan_context(found)
    return context | {
        "order": signing.dumps(order, salt=SALT),
        "doubts": kept.warnings(),
        "code": qr.svg(context["address"]) if context["address"] else "",
    }


def _plan(request: HttpRequest, facts: Mapping[str, Any], release: Release) -> RollbackPlan:
    """Return the plan of the deployment that the order would become, which is not saved."""
    named = {name: facts[name] for name in ("env", "using", "folder", "label")}
    target = Deployment(**named, release=release)
    move = Move(state(target.env, target.folder), target)
    context = UploadContext(SOURCE, source_ref=target.label, user_id=request.user.pk)
    return plan_rollback(target.using, move, context)
