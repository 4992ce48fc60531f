"""Write an entry for each errcode of WeChat from the table in wx_static_store/core/errcodes.py."""

from wx_static_store.core.errcodes import ERRCODES, UNKNOWN_ERRCODE, Verdict, anchor
from wx_static_store.i18n import with_facts

from . import plain
from .entries import entry

# Why, and what each of these numbers says. Sources: WeChat's tables of errcodes.
MEANINGS: tuple[tuple[str, dict[int, str]], ...] = (
    (
        "WeChat or its cloud has trouble of its own, usually for a moment.",
        {
            -1: "WeChat's system is busy.",
            -1000: "WeChat's system reports an error of its own.",
            -501001: "The cloud reports an error of its own.",
            -501002: "The cloud did not answer WeChat in time.",
            -503001: "A request to the storage of the cloud failed.",
            -601001: "A server behind WeChat's API failed.",
            -601003: "The network behind WeChat's API failed.",
        },
    ),
    (
        (
            "A token lives two hours, and a platform has only one: five minutes after somebody "
            "fetched a new one, the old one is refused. Two systems that do not share the token "
            "end each other's."
        ),
        {
            40001: "The token is not valid, or not the newest one. As the answer of "
            "``api_component_token`` it means that the appsecret is wrong.",
            40014: "The token is not valid.",
            42001: "The token has expired.",
            42006: "The ``component_access_token`` has expired.",
        },
    ),
    (
        (
            "WeChat pushes a ticket to your authorization event URL every ten minutes. The pushes "
            "do not arrive, or WeChat has stopped them."
        ),
        {
            61005: "The ``component_verify_ticket`` has expired.",
            61006: "The ``component_verify_ticket`` is not valid.",
            40091: "The ``component_verify_ticket`` is not valid.",
        },
    ),
    (
        (
            "``COMPONENT_APPID`` is missing, has a typing error, or belongs to a mini program in "
            "place of the platform."
        ),
        {
            40013: "The appid is not valid.",
            41002: "The appid is missing.",
            61011: "The appid is not that of a platform.",
        },
    ),
    (
        "``COMPONENT_APPSECRET`` is missing or wrong, or it was reset on the page of the platform.",
        {
            41004: "The appsecret is missing.",
            40125: "The appsecret is not valid.",
            40094: "The appsecret does not belong to the appid.",
        },
    ),
    (
        (
            "The open platform answers listed addresses only. The address of the server has "
            "changed, or calls leave by a proxy. Tickets arrive all the same."
        ),
        {
            61004: "The address of this server is not in the IP whitelist of the platform.",
            40164: "The address of this server is not in the IP whitelist.",
            45035: "The address of this server is not in the IP whitelist.",
        },
    ),
    (
        (
            "The permission sets of the platform lack cloud development, or a change of them was "
            "not published."
        ),
        {
            61007: "This API is not granted to the platform.",
            48001: "This API is not authorized.",
            -501019: "The cloud refuses for lack of authorization.",
            -503002: "The storage of the cloud refuses for lack of permission.",
        },
    ),
    (
        (
            "The token belongs to an authorizer or a mini program. ``ACCESS_TOKEN`` or "
            "``TOKEN_PROVIDER`` gives the wrong one."
        ),
        {61014: "The token is of the wrong kind."},
    ),
    (
        "WeChat protects the account of the platform. Only a person can lift this.",
        {
            48004: "This API is banned for the platform.",
            50002: "The account is limited.",
            89503: "Calls from this address wait for the administrator's confirmation.",
            89506: "The administrator refused this address twice: it is blocked for 24 hours.",
            89507: "The administrator refused this address once: it is blocked for an hour.",
        },
    ),
    (
        (
            "A platform can publish only to environments that it created itself for its tenants. "
            "WeChat does not document what else leads to this number. In the emulator, a static "
            "hosting that was never opened does."
        ),
        {85088: "Cloud development is not open for this platform or this environment."},
    ),
    (
        "Each call has a quota for the day. A system that fetches tokens in a loop uses it up.",
        {45009: "The quota of this call is used up for today."},
    ),
    (
        "WeChat allows ten of these calls in a month.",
        {48006: "The calls of ``clear_quota`` are used up for this month."},
    ),
    (
        (
            "More calls were sent in a minute than WeChat allows. Other systems of the same "
            "platform count, too."
        ),
        {45011: "There were too many calls in this minute."},
    ),
    (
        "More calls reach one environment at the same time than its plan allows.",
        {
            -501003: "The environment's quota of requests is exceeded.",
            -501004: "The environment's limit of requests at the same time is exceeded.",
        },
    ),
    (
        "The id of the environment has a typing error, or WeChat does not accept the file name.",
        {
            40097: "An argument is not valid.",
            40101: "An argument is missing.",
            40033: "The request holds characters that WeChat refuses.",
        },
    ),
    (
        "The app sends complete requests. Something on the way changes them, such as a proxy.",
        {
            41001: "The request came without a token.",
            43002: "The request came with another method than POST.",
            44002: "The request came without a body.",
            47001: "The body of the request could not be read, or a field was missing.",
        },
    ),
    (
        (
            "The environment is in arrears, isolated or destroyed, or its id is wrong. WeChat does "
            "not document the number of a closed static hosting; the emulator answers ``-501005``."
        ),
        {
            -501005: "The environment is not in order.",
            -501018: "The environment or a part of it is not available.",
        },
    ),
    (
        (
            "WeChat keeps a refused call for seven days under the ``rid`` of its answer. "
            ":ref:`log-received` asks for it."
        ),
        {
            76001: "WeChat does not know the ``rid``.",
            76002: "The ``rid`` is empty or malformed.",
            76003: "The ``rid`` belongs to another account. As the answer of ``quota/get`` it "
            "means that the path is written with a host, or without its first slash.",
            76004: "The ``rid`` is older than seven days.",
        },
    ),
    (
        (
            "``quota/get`` does not know every call. The vendor does not say which of the calls of "
            "cloud development it knows."
        ),
        {
            76021: "``quota/get`` does not know the path.",
            76022: "The token and the call that was asked about belong to different accounts.",
        },
    ),
    (
        (
            "``errmsg`` says more, often in the form ``TcbCode: [Name.Of.The.Error]``. The output "
            "of the command, the text of the exception and the message in the log hold it."
        ),
        {
            -501000: "The cloud refuses the call.",
            -501007: "The cloud refuses a parameter.",
            -501009: "The cloud refuses the object of the call.",
            -501021: "The cloud does not support this call here.",
            -503003: "The storage of the cloud does not find the file.",
        },
    ),
)
# Where a hint is too short: the steps, each a paragraph.
_LOOK = (
    "List the environments of your platform with ``describeenvs``: :ref:`account-environment`. "
    "If this one is missing, your platform did not create it: create one with ``createenv``."
)
_OPEN = "If it is listed, look whether its static hosting is open: :ref:`account-hosting`."
_ENV = "Compare the id with ``ENV``, and with the environments that you named in the command."
_READ = (
    "Read the ``TcbCode`` in the message. ``ResourceNotFound`` means that the platform has no "
    "such environment. For another one quote the ``rid`` when you ask WeChat."
)
_FIXED = "If you set ``ACCESS_TOKEN``, set the current token: :ref:`tokens-fixed`."
_SHARE = (
    "Otherwise another system fetches tokens of the same platform. Let one place fetch the token, "
    "and let all others ask that place: :doc:`/howto/tokens`."
)
_ALLOW = (
    "The message names the IP address that WeChat saw. Enter it in the IP whitelist of your "
    "platform: :ref:`account-whitelist`."
)
STEPS: dict[int, tuple[str, ...]] = {
    40001: (
        "If the call that fetches the token failed, correct ``COMPONENT_APPSECRET``.",
        _FIXED,
        _SHARE,
    ),
    40014: (_FIXED, _SHARE),
    42001: (_FIXED, _SHARE),
    42006: (_FIXED, _SHARE),
    61004: (_ALLOW,),
    40164: (_ALLOW,),
    45035: (_ALLOW,),
    85088: (
        "Open cloud development in the batch mode for your platform: :ref:`account-environment`.",
        _LOOK,
        _OPEN,
    ),
    -501005: (_LOOK, _OPEN),
    -501000: (
        _READ,
        _ENV,
        _LOOK,
    ),
}
OTHER = "WeChat refuses the call by a number that this app does not know."
WHY_OTHER = (
    "WeChat adds numbers without notice. The output of the command, the text of the exception and "
    "the message in the log hold its ``errmsg``."
)


def text() -> str:
    said = {code: (of[code], why) for why, of in MEANINGS for code in of}
    known = [_entry(str(code), code, ERRCODES[code], *said[code]) for code in sorted(said, key=abs)]
    return "\n".join([*known, _entry("…", "other", UNKNOWN_ERRCODE, OTHER, WHY_OTHER)])


def _entry(title: str, code: int | str, verdict: Verdict, meaning: str, why: str) -> str:
    error = verdict.build("")
    hint = plain(with_facts(error.hint))
    place = anchor("errcode", code, [code])
    steps = STEPS.get(code, ()) if isinstance(code, int) else ()
    return entry(title, place, meaning, why, hint, error, kind=type(error).__name__, steps=steps)
