"""What is refused, in which words, and the permission that lifts it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from django.template.defaultfilters import filesizeformat

from ..exceptions import WxStaticStoreError
from ..options import Options
from ..texts import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    User = AbstractBaseUser | AnonymousUser

Finding = tuple["Rule", dict[str, Any]]


class PolicyRejected(WxStaticStoreError):
    """
    The user may not do this; `code` says why in a word.

    ``forbidden``, ``store``, ``folder``, ``name``, ``protected``, ``exists``, ``in_progress``,
    ``type``, ``content``, ``size``.
    """

    code = "forbidden"
    stage = "policy"


class Rule(NamedTuple):
    """Why something is refused, what helps, and the permission that lifts it."""

    code: str
    message: str
    hint: str
    lifted_by: str = ""

    def broken(self, **facts: Any) -> PolicyRejected:
        return PolicyRejected(self.message % facts, code=self.code, hint=self.hint % facts)

    def lifted(self, user: User) -> bool:
        permission = f"wx_static_store.{self.lifted_by}"
        return bool(self.lifted_by and user.has_perm(permission))  # type: ignore[union-attr]

    def require(self, user: User, **facts: Any) -> None:
        if not self.lifted(user):
            raise self.broken(**facts)


FORBIDDEN = Rule(
    "forbidden",
    _("You may not upload files to the public site."),
    _("Ask an administrator for the permission to upload."),
    "upload",
)
NO_STORE = Rule(
    "store",
    _("%(where)s is no store that you may use."),
    _("Choose one of the stores that are offered to you."),
)
NOT_OFFERED = Rule(
    "store",
    _("The environment %(env)s is not offered to you."),
    _("Name one of the environments that are offered to you."),
)
# Without its id: that of another tenant is nobody else's business.
OWN_NOT_OFFERED = Rule(
    "store",
    _("The environment of the store %(using)s itself is not offered to you."),
    _("Name one of the environments that are offered to you."),
)
FOLDER = Rule(
    "folder",
    _("Files may be uploaded into the folder %(folder)s only."),
    _("Choose a folder in there. Other places need the permission to replace protected files."),
    "replace_protected",
)
PROTECTED = Rule(
    "protected",
    _("%(found)s is a protected file: it may prove who owns the site, or the site depends on it."),
    _("Choose another name, or ask for the permission to replace protected files."),
    "replace_protected",
)
EXISTS = Rule(
    "exists",
    _("There is a file %(key)s already."),
    _("Choose another name, or overwrite the file, if you have the permission to replace files."),
    "replace",
)
IN_PROGRESS = Rule(
    "in_progress",
    _("Another upload of %(key)s is running at this moment."),
    _("Look in a minute whether the file is there."),
)
SIZE = Rule(
    "size",
    _("The file is too large: at most %(limit)s are allowed."),
    _("Make it smaller, or split it."),
)
ACTIVE = Rule(
    "type",
    _("A file with %(found)s in its name is active content: browsers run what it holds."),
    _("Choose another kind of file, or ask for the permission to upload active content."),
    "upload_active_content",
)
UNLISTED = Rule(
    "type",
    _("%(name)s is not of a kind that is allowed."),
    _("Choose another kind of file, or ask for the permission to upload active content."),
    "upload_active_content",
)
MARKUP = Rule(
    "content",
    _("%(name)s holds HTML, SVG or XML, whatever its name says."),
    _("Save it as what its name says, or ask for the permission to upload active content."),
    "upload_active_content",
)
PROGRAM = Rule(
    "content",
    _("%(name)s holds a program, whatever its name says."),
    _("Choose another file, or ask for the permission to upload active content."),
    "upload_active_content",
)
OTHER_CONTENT = Rule(
    "content",
    _("%(name)s does not hold what its name says."),
    _("Open the file, save it again as this kind of file, and upload that."),
    "upload_active_content",
)
LONG = Rule(
    "name",
    _("A part of the name is longer than 255 bytes."),
    _("Shorten it; a Chinese character takes three bytes."),
)
_LONGEST = 255

# More than a key must obey: what people type is read, copied and sent on by people and programs.
# What programs name (`collectstatic`, `wx_deploy`, `save()`) is not asked for this.
_NAMES = (
    (
        "%[89A-Fa-f][0-9A-Fa-f]|\ufffd",  # as Django shows bytes that it cannot read
        _("The name is not UTF-8, or it was percent-encoded twice: it has %(found)s."),
        _("Send the name in UTF-8, percent-encoded once."),
    ),
    (
        r'[%#?:`^"{}\[\]|<>]',
        _("The name has the character %(found)s, which does not survive in every address."),
        _("Leave %(found)s out, or write a hyphen in its place."),
    ),
    (
        "[\u00ad\u180e\u200b\u2060-\u2064\ufeff]",  # the joiners of emoji and of Persian may stay
        _("The name has an invisible character, %(found)s."),
        _("Type the name anew: such characters come with copied text."),
    ),
    (
        r"(?<![^/])\s|\s(?![^/])",
        _("A part of the name begins or ends with a space."),
        _("Remove the space."),
    ),
    (
        r"\.(?![^/])",
        _("A part of the name ends with a dot."),
        _("Remove the dot at the end."),
    ),
    (
        r"(?<![^/])\.(?!well-known/)[^/]*",
        _("%(found)s begins with a dot, as files do that are not meant to be public."),
        _("Remove the dot in front, if the file is meant for everybody."),
    ),
)

_PROTECTED = (
    *("mp_verify_*.txt", "ww_verify_*.txt", "robots.txt"),
    *("index.html", "404.html", "staticfiles.json"),
)

# Whoever opens such a file runs it in the site's name; the last line is run by servers, if the file
# comes to one. A PDF is a document: browsers run its scripts, if at all, apart from the site.
_ACTIVE = (
    "htm html xhtml xht shtml mht mhtml hta xml xsl xslt rdf wsdl xpdl svg svgz "
    "js mjs cjs wasm swf "
    "php phtml phar asp aspx jsp jspx cgi"
)
_SNIFFED = 512  # bytes
_MARKUP = re.compile(
    rb"\A[\s\xef\xbb\xbf\xfe\xff]*<[a-z!?]|<(?:!doctype html|html|head|body|script|svg|iframe)\b",
    re.IGNORECASE,
)
_IMAGE = (
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP|BM|\0\0\x01\0"
    rb"|II[*+]\0|MM\0[*+]|....ftyp(?:avi|hei|hev|mif1|msf1)"
)
_MEDIA = (
    rb"....(?:ftyp|moov|mdat|wide|free|skip|pnot)|\x1aE\xdf\xa3|OggS|fLaC|ID3|ADIF"
    rb"|RI(?:FF|FX)....(?:WAVE|AVI )|RF64....WAVE"
    rb"|\0*\xff[\xe0-\xff]|\0\0\x01[\xb3\xba]|G.{187}G"  # MPEG has no more of a head than this
)
_FONT = rb"wOF[F2]|\0\x01\0\0|OTTO|true|ttcf|.{34}LP"
_ZIP = rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"
_OLE = rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the old kinds, and new ones with a password
# A photo is often saved under another image's ending, and does no harm: families agree, not kinds.
_FAMILIES = (
    ("avif bmp gif heic heif ico jpeg jpg png tif tiff webp", _IMAGE),
    ("aac avi flac m4a m4v mov mp3 mp4 mpeg mpg ogg ogv opus wav weba webm", _MEDIA),
    ("eot otf ttf woff woff2", _FONT),
    ("pdf", rb"(?:\xef\xbb\xbf)?\s*%PDF-"),
    ("doc docx ppt pptx xls xlsx", rb"%b|%b|\{\\rtf" % (_OLE, _ZIP)),
    ("zip odt ods odp", _ZIP),
)
# Of Windows, Linux and macOS.
_PROGRAM = re.compile(
    rb"MZ|\x7fELF|\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba[\xbe\xbf]"
)


def findings(name: str, file: BinaryIO, size: int, options: Options) -> Iterator[Finding]:
    """What is to be said against the file, the cheap things first."""
    yield from _in_name(name)
    if not name.startswith(options.upload_location):
        yield FOLDER, {"folder": options.upload_location}
    base = name.rpartition("/")[2]
    protected = any(fnmatchcase(base.casefold(), pattern) for pattern in _PROTECTED)
    if protected or ".well-known" in name.split("/"):
        yield PROTECTED, {"found": base}
    if max(size, measured(file)) > options.upload_max_size:
        yield SIZE, {"limit": filesizeformat(options.upload_max_size)}
    yield from _in_endings(base, options.upload_extensions)
    yield from _in_content(base, file.read(_SNIFFED))


def _in_name(name: str) -> Iterator[Finding]:
    for pattern, message, hint in _NAMES:
        if match := re.search(pattern, name):
            found = "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in match[0])
            yield Rule("name", message, hint), {"found": found}
    if max(len(part.encode()) for part in name.split("/")) > _LONGEST:
        yield LONG, {}


def endings_of(base: str) -> list[str]:
    """In lower case; at least one, which may be empty."""
    return [ending.strip() for ending in base.casefold().split(".")[1:] or [""]]


def _in_endings(base: str, allowed: Sequence[str]) -> Iterator[Finding]:
    """The last ending decides what the file is; a server may also heed one before it."""
    endings = endings_of(base)
    if active := next((one for one in endings if one in _ACTIVE.split()), ""):
        yield ACTIVE, {"found": f".{active}"}
    if endings[-1] not in allowed:
        yield UNLISTED, {"name": base}


def _in_content(base: str, head: bytes) -> Iterator[Finding]:
    if _MARKUP.search(head.replace(b"\0", b"")):  # UTF-16 has a NUL beside each letter
        yield MARKUP, {"name": base}
    if _PROGRAM.match(head):
        yield PROGRAM, {"name": base}
    for family, signature in _FAMILIES:
        meant = head and endings_of(base)[-1] in family.split()
        if meant and not re.match(signature, head, re.DOTALL):
            yield OTHER_CONTENT, {"name": base}


def measured(file: BinaryIO) -> int:
    """The size of the file, which is left at its start."""
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(0)
    return size
