from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.generic import DetailView, ListView
from rest_framework.generics import ListAPIView
from rest_framework.serializers import ModelSerializer

from .models import Document
from .news import news


class DocumentList(ListView):
    """The start page: what just happened, the documents, and the way to all other pages."""

    model = Document

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(news=news(self.request.user), **context)


class DocumentDetail(DetailView):
    model = Document


class DocumentSerializer(ModelSerializer):
    class Meta:
        model = Document
        fields = ("id", "title", "description", "file", "image", "created")


class DocumentApi(ListAPIView):
    """The documents as JSON, for everybody, as the files themselves are."""

    queryset = Document.objects.all()
    serializer_class = DocumentSerializer


@staff_member_required
def upload(request: HttpRequest) -> HttpResponse:
    """Show a form whose script calls the REST API, as any front end may."""
    return render(request, "documents/upload.html")


def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask the site itself where a page names no icon, as the admin's do."""
    return redirect(static("documents/logo.svg"))
