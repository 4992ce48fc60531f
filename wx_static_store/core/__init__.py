"""
Values and functions that know no Django project.

    errcodes      Each errcode of WeChat: its error, what may be tried next, what to do
    match         Compare bytes that we know of with the object that a list shows
    naming        Name → object key, key → public URL, content headers; refuses what cannot be a key
    pushes        The newest push that was refused: the callback keeps it, the doctor reads it
    shared_cache  A cache that all processes share, and that may fail
    releases      What a tree was: the list of its files, packed into few bytes; what differs
    frames        What an exception carries along: others that it wraps, and secret local variables
    hashed_names  Whether a file name carries a digest of its content, as a bundler writes it
    interrupts    Ctrl-C and SIGTERM in a command: at once while it waits, else as soon as it waits
    qr            A public address as a QR code: these sites are opened in WeChat, on a phone
    redaction     What may be shown of a call and of its answer: an allow-list
    refusals      What is refused, in which words, and the permission that lifts it
    retry         The only retry loop: it obeys the remedy of an exception, for every call
    spans         Spans of time as words
    secrets       Values that must never be printed, and their removal from the texts of others
    types         Frozen values that travel between the layers
"""

__all__ = ()
