"""A view with a form, one that saves by itself and tells what went wrong, one that lists."""

from io import BytesIO

from django.core.files.base import ContentFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from wx_static_store.exceptions import NameRejected, UploadFailed, WxStaticStoreError
from wx_static_store.storage import WxStorage
from wx_static_store.upload import UploadContext, UploadItem, UploadStatus, get_store, get_uploader

from .forms import BookForm


def add_book(request: HttpRequest) -> HttpResponse:
    form = BookForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        form.save()
        return redirect("books")
    return render(request, "shop/book.html", {"form": form})


def save_note(request: HttpRequest) -> HttpResponse:
    storage = WxStorage(location="notes")
    try:
        name = storage.save("note.txt", ContentFile(request.body))
    except NameRejected as error:
        return JsonResponse({"what": str(error.message)}, status=400)
    except UploadFailed as error:
        unknown = error.status == UploadStatus.UNKNOWN
        facts = {"errcode": error.errcode, "hint": str(error.hint), "unknown": unknown}
        return JsonResponse(facts, status=502)
    return JsonResponse({"url": storage.url(name), "size": storage.size(name)})


def publish_report(request: HttpRequest) -> HttpResponse:
    item = UploadItem("report.txt", open=lambda: BytesIO(b"report"), cache_control="no-cache")
    results = get_uploader("default").upload_many([item], UploadContext(source="report"))
    return JsonResponse({result.name: result.status.value for result in results})


def list_books(request: HttpRequest) -> HttpResponse:
    store = get_store("default", env="shop-1a2b3c")
    try:
        sizes = {file.key: file.size for file in store.sweep("media/books/")}
    except WxStaticStoreError as error:
        return JsonResponse({"cause": error.cause, "advice": str(error.advice())}, status=503)
    return JsonResponse(sizes)
