"""
Why something failed, what it means, and what to do: one table for everybody who shows a failure.

    explain  Find a cause by its code; what an editor and an operator read about a failure
    wechat   Each errcode of WeChat
    cos      Each code of COS
    wire     TLS, proxies, and who answers in place of a server
    own      Each exception of this app, and what its classes do not tell apart
    cause    The value of one entry
"""

from .cause import Blame, Cause, Remedy, Text
from .explain import (
    CAUSES,
    LOOK,
    advice,
    cause_of,
    docs_place,
    every_entry,
    hint,
    matching,
    of_errcode,
    offer,
    with_docs,
)

__all__ = [
    "CAUSES",
    "LOOK",
    "Blame",
    "Cause",
    "Remedy",
    "Text",
    "advice",
    "cause_of",
    "docs_place",
    "every_entry",
    "hint",
    "matching",
    "of_errcode",
    "offer",
    "with_docs",
]
