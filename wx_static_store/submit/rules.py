"""The rules on a file: its name, folder, size and content."""

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, BinaryIO

from django.template.defaultfilters import filesizeformat

from ..conf import Options
from ..core.refusals import (
    ACTIVE,
    EMPTY,
    FOLDER,
    LONG,
    MARKUP,
    OTHER_CONTENT,
    PROGRAM,
    PROTECTED,
    SIZE,
    UNLISTED,
    Rule,
)
from ..i18n import gettext_lazy as _

Finding = tuple[Rule, dict[str, Any]]

_LONGEST = 255

# Stricter than for a key: people type, read and copy these names. Names that programs make
# (`collectstatic`, `wx_deploy`, `save()`) are not checked.
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
        _("Type the name again: such characters come with copied text."),
    ),
    (
        r"(?<![^/])\s|\s(?![^/])",
        _("A part of the name begins or ends with a space."),
        _("Remove the space."),
    ),
    (r"\.(?![^/])", _("A part of the name ends with a dot."), _("Remove the dot at the end.")),
    (
        r"(?<![^/])\.(?!well-known/)[^/]*",
        _("%(found)s begins with a dot, as files do that are not meant to be public."),
        _("Remove the dot in front, if the file is meant for everybody."),
    ),
    (
        r"(?i)(?<![^/])(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³])(?=\s*(?:[./]|\Z))",
        _("Windows keeps the name %(found)s for a device, and cannot save such a file."),
        _("Choose another name."),
    ),
)

_PROTECTED = (
    *("mp_verify_*.txt", "ww_verify_*.txt", "robots.txt"),
    *("index.html", "404.html", "staticfiles.json"),
)

# A browser runs such a file with the site's origin; servers that get a copy run the last line.
# A PDF is no such file: browsers run its scripts, if at all, apart from the site.
_ACTIVE = (
    "htm html xhtml xht shtml mht mhtml hta xml xsl xslt rdf wsdl xpdl svg svgz "
    "js mjs cjs wasm swf "
    "php phtml phar asp aspx jsp jspx cgi"
)
_SNIFFED = 512  # bytes
_MARKUP = re.compile(
    rb"\A(?:\xfe\xff|\xff\xfe)\s*<|\A[\s\xef\xbb\xbf]*<[a-z_:!?\x80-\xff]"
    rb"|<(?:!doctype html|html|head|body|script|svg|iframe)\b",
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
# A photo often has the ending of another image, without harm: only the family must agree.
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
# A double click runs these. Some sites offer them for download, so a person is only asked.
_PROGRAMS = "apk app bat cmd com dmg exe jar msi pif pkg ps1 scr sh vbs"


def doubts(name: str, file: BinaryIO, size: int) -> Iterator[Finding]:
    """Yield the questions to a person who may publish the file, and rewind the file."""
    base = name.rpartition("/")[2]
    head, ending = file.read(_SNIFFED), endings_of(base)[-1]
    file.seek(0)
    if not size:
        yield EMPTY, {"name": base}
    if ending in _PROGRAMS.split() or _PROGRAM.match(head):
        yield PROGRAM, {"name": base}
    elif ending not in _ACTIVE.split():
        yield from (found for found in _in_content(base, head) if found[0] is MARKUP)


def findings(name: str, file: BinaryIO, size: int, options: Options) -> Iterator[Finding]:
    """Yield each rule that the file breaks, with its facts; the cheap checks come first."""
    yield from in_name(name)
    if not name.startswith(options.upload_location):
        yield FOLDER, {"folder": options.upload_location}
    if max(size, measure(file)) > options.upload_max_size:
        yield SIZE, {"limit": filesizeformat(options.upload_max_size)}
    yield from dangers(name, file, options.upload_extensions)


def dangers(name: str, file: BinaryIO, allowed: Sequence[str] | None = None) -> Iterator[Finding]:
    """Yield the rules that hold in every folder; for a form, `allowed` is None: all endings are."""
    base = name.rpartition("/")[2]
    if is_protected(name):
        yield PROTECTED, {"found": base}
    # All endings: the last is the kind, but a server may obey an earlier one.
    endings = endings_of(base)
    kinds = [one.partition(";")[0].rstrip() for one in endings]  # as servers with path parameters
    if active := next((one for one in kinds if one in _ACTIVE.split()), ""):
        yield ACTIVE, {"found": f".{active}"}
    if allowed is not None and endings[-1] not in allowed:
        yield UNLISTED, {"name": base}
    head = file.read(_SNIFFED)
    if not head and allowed is None:  # the upload page asks a person, the API takes it
        yield EMPTY, {"name": base}
    yield from _in_content(base, head)


def is_protected(name: str) -> bool:
    """Return whether the site, or the proof of its owner, depends on files of this name."""
    # With path parameters: some servers leave out what follows a ";".
    base = re.sub(r"\s*;", ";", name.rpartition("/")[2].casefold() + ";")
    folders = re.split(r"\s*[/;]", name)
    return ".well-known" in folders or any(fnmatchcase(base, f"{one};*") for one in _PROTECTED)


def in_name(name: str) -> Iterator[Finding]:
    """Yield the rules that the characters of a name or a folder break."""
    for pattern, message, hint in _NAMES:
        if match := re.search(pattern, name):
            found = "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in match[0])
            yield Rule("name", message, hint), {"found": found}
    if max(len(part.encode()) for part in name.split("/")) > _LONGEST:
        yield LONG, {}


def endings_of(base: str) -> list[str]:
    """Return the endings in lower case; at least one, which may be empty."""
    return [ending.strip() for ending in base.casefold().split(".")[1:] or [""]]


def _in_content(base: str, head: bytes) -> Iterator[Finding]:
    if _MARKUP.search(head.replace(b"\0", b"")):  # UTF-16 has a NUL beside each letter
        yield MARKUP, {"name": base}
    if _PROGRAM.match(head):
        yield PROGRAM, {"name": base}
    for family, signature in _FAMILIES:
        meant = head and endings_of(base)[-1] in family.split()
        if meant and not re.match(signature, head, re.DOTALL):
            yield OTHER_CONTENT, {"name": base}


def measure(file: BinaryIO) -> int:
    """Return the size of the file, and rewind it."""
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(0)
    return size
