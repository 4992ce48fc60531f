"""What happened, in the reader's words."""

import re
from typing import Any

from django.utils.translation import override

from tests.tables import each
from wx_static_store.admin import labels
from wx_static_store.models import UploadLog


@each(
    ("columns_", "chinese"),
    [
        ({"cause": "45009", "stage": "link", "message": "staticuploadfile was refused"}, True),
        ({"message": "The answer never came"}, True),
        ({"status": "stored", "message": "no words of ours"}, False),
        ({"status": "stored"}, False),
    ],
)
def test_what_happened_is_said_in_the_reader_s_language(
    columns_: dict[str, Any], chinese: bool
) -> None:
    with override("zh-hans"):
        text = labels.describe_error(UploadLog(**{"status": "failed"} | columns_))
    assert bool(re.search("[一-龥]", text)) is chinese
