"""Where `WxStorage.waiting_url()` leads: ``path("waiting/", include("wx_static_store.urls"))``."""

from contextlib import suppress

from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import path
from django.views.decorators.http import require_safe

from .exceptions import SourceError
from .models import key_digest
from .storage import WAITING_URL
from .submit.download import waiting_bytes
from .upload.waiting import rows

SECONDS = 3600


@login_not_required
@require_safe
def show(request: HttpRequest, signed: str) -> HttpResponseBase:
    """Return the waiting bytes; redirect to the public address where none wait any more."""
    try:
        env, key, url = signing.loads(signed, salt=WAITING_URL, max_age=SECONDS)
    except signing.BadSignature:
        raise Http404 from None
    row = rows().filter(env=env, key_digest=key_digest(key)).first()
    with suppress(SourceError):  # it may have been sent at this moment
        if row and row.file:
            return waiting_bytes(request, row, inline_images=True)
    return HttpResponseRedirect(url, headers={"Cache-Control": "private, no-store"})


app_name = "wx_static_store_waiting"
urlpatterns = [path("<str:signed>", show, name="file")]
