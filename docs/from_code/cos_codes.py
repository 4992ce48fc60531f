"""Write an entry for each code of COS from the table in wx_static_store/clients/cos.py."""

from wx_static_store.clients.cos import COS_CODES
from wx_static_store.core.errcodes import Verdict
from wx_static_store.exceptions import CosError

from .entries import entry, hint_of

# What each code says, and why. Source: COS's table of errors.
_SLOW = "The network between this server and COS is slow, or breaks off."
_CHANGED = "The bytes were changed on the way, or the file changed while it was sent."
_LIMIT = "COS allows an environment so many requests in a second."
MEANINGS = {
    "ExpiredToken": (
        "The security token of the link has expired.",
        "A link lives 60 seconds. The file waited before it was sent, or the clocks differ.",
    ),
    "InvalidAccessKeyId": (
        "COS does not know the key with which the link is signed.",
        "The key is a temporary one, and it has expired.",
    ),
    "RequestTimeTooSkewed": (
        "The time in the link is too far from the clock of COS.",
        "The link is old. The clock of your server plays no part in the signature.",
    ),
    "SignatureDoesNotMatch": (
        "The signature of the link does not fit the request.",
        "A proxy rewrote the address or a header of the request.",
    ),
    "BadDigest": ("The bytes that came have another MD5 than was announced.", _CHANGED),
    "InvalidDigest": ("COS does not accept the MD5 that was announced.", _CHANGED),
    "IncompleteBody": ("Fewer bytes came than were announced.", _SLOW),
    "EntitySizeNotMatch": ("Another number of bytes came than was announced.", _SLOW),
    "RequestTimeout": ("The bytes came too slowly, so COS stopped waiting.", _SLOW),
    "UserNetworkTooSlow": ("The bytes came too slowly, so COS stopped waiting.", _SLOW),
    "EntityTooLarge": (
        "The file is too large.",
        "WeChat's links allow a single PUT only, and a PUT has a limit.",
    ),
    "InvalidURI": ("The key of the file is too long.", "The folders and the name add up."),
    "PaymentRequired": (
        "The environment is in arrears.",
        "The plan of the environment has expired, or its bill was not paid.",
    ),
    "NoSuchBucket": (
        "The bucket behind the environment does not exist.",
        "Static hosting was never opened in this environment, or somebody closed it.",
    ),
    "UnavailableForLegalReasons": (
        "The file or its address is blocked.",
        "Somebody reported the content, or a check of Tencent Cloud found it.",
    ),
    "DomainAuditFailed": (
        "The domain is blocked.",
        "The domain did not pass a check of Tencent Cloud.",
    ),
    "SlowDown": ("COS asks for fewer requests.", _LIMIT),
    "ServiceUnavailable": ("COS cannot serve the request at the moment.", _LIMIT),
}
OTHER = "COS refuses the request by a code that this app does not know."
WHY_OTHER = "The message of COS says why. The HTTP status decides what the upload does next."


def text() -> str:
    entries = [_entry(code, code, COS_CODES[code], *said) for code, said in MEANINGS.items()]
    return "\n".join([*entries, _entry("…", "other", Verdict(CosError), OTHER, WHY_OTHER)])


def _entry(title: str, code: str, verdict: Verdict, meaning: str, why: str) -> str:
    error = verdict.build("")
    place = f"cos-{code}"
    return entry(title, place, meaning, why, hint_of(error), error, kind=type(error).__name__)
