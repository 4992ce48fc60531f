from wx_static_store.forms import WxFileWidget, WxModelForm

from .models import Book


class BookForm(WxModelForm):
    wx_any_file = ("file",)

    class Meta:
        model = Book
        fields = ("title", "file")
        widgets = {"file": WxFileWidget}
