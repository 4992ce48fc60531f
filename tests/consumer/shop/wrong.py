"""What both checkers must refuse: each line but the imports has an error, or the comment is one."""

from io import BytesIO

from wx_static_store.emulator import EmulatorServer
from wx_static_store.storage import WxStorage
from wx_static_store.upload import UploadContext, UploadItem, get_store, get_uploader

address: int = WxStorage().url("a")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
item = UploadItem(name=1, open=BytesIO)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
context = UploadContext()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
get_uploader().upload(item, "nightly")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
get_store().tokens.renew()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
EmulatorServer(port="8900")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
