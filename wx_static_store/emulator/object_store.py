"""Tencent COS, as far as a signed link leads: PUT Object, with everything that it checks."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import replace

from . import signing
from .answers import Answer, cos_error, cos_headers, iso_time
from .bucket import ReceivedBytes
from .incoming import Request
from .quirks import Quirks
from .state import REGION, Environment, State

MAX_KEY = 850  # bytes
MAX_SIZE = 5 << 30  # one PUT

_KEPT: tuple[str, ...] = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
)
_KEPT += ("content-language", "expires")
EXPOSED = "ETag, x-cos-hash-crc64ecma, x-cos-request-id"


class CosRefusal(Exception):
    """An error of COS; with `unread`, before the body is read."""

    def __init__(
        self, status: int, code: str, message: str, *, unread: bool = False, **more: str
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message
        self.more, self.unread = more, unread


def identify(request: Request, env: str) -> None:
    """Fill in what a PUT is about."""
    request.name, request.env = "put_object" if request.method == "PUT" else "other", env
    request.key = request.path[1:].decode(errors="replace")


def handle(state: State, request: Request) -> Answer:
    """Answer one request that is not the site's: PUT, or a method that is not offered."""
    environment = state.settle(state.environments[request.env])
    try:
        if request.method == "OPTIONS":
            return _preflight(state, environment, request)
        return _put(state, environment, request)
    except CosRefusal as refused:
        return _refusal(state, environment, request, refused)


def link_age(request: Request, now: float) -> float | None:
    """Return the age of a PUT's link in seconds."""
    try:
        start, _ = signing.read_authorization(request.query, request.headers).window()
    except signing.BadCarrier:
        return None
    return now - start


def share(answer: Answer, request: Request, quirks: Quirks) -> Answer:
    """Let scripts of other origins read the answer, if the bucket has such a rule."""
    origin = request.headers.get("origin")
    if not quirks.cors or not origin:
        return answer
    headers = {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED}
    return replace(answer, headers={**answer.headers, **headers})


def _preflight(state: State, environment: Environment, request: Request) -> Answer:
    """Answer a browser's question whether it may PUT; `share` adds the rest."""
    quirks = state.quirks
    _check_bucket(environment)
    if not quirks.cors or "origin" not in request.headers:
        raise CosRefusal(403, "AccessForbidden", "CORSResponse: This CORS request is not allowed.")
    headers = {
        "Access-Control-Allow-Methods": quirks.cors_methods,
        "Access-Control-Allow-Headers": quirks.cors_headers
        or request.headers.get("access-control-request-headers", "*"),
        "Access-Control-Max-Age": "600",
    }
    return Answer(200, {**cos_headers(request.started), **headers})


# --- one PUT, in the order of the reference -------------------------------------------------


def _put(state: State, environment: Environment, request: Request) -> Answer:
    _check_request(environment, request)
    if state.quirks.check_signature_at == "start":
        _check_signature(state, request, request.started)
    wanted = _content_md5(request)
    incoming = _receive(state, environment, request)
    try:
        if state.quirks.check_signature_at == "end":
            _check_signature(state, request, state.now())
        return _store(state, environment, request, incoming, wanted)
    except CosRefusal:
        incoming.discard()
        raise


def _check_request(environment: Environment, request: Request) -> None:
    if request.method != "PUT" or not request.key:
        raise CosRefusal(405, "MethodNotAllowed", "The method is not allowed here.")
    if len(request.path) - 1 > MAX_KEY or request.key.encode() != request.path[1:]:
        raise CosRefusal(400, "InvalidURI", "Could not parse the specified URI.")
    _check_bucket(environment)
    if request.body.length is None and not request.body.chunked:
        message = "You must provide the Content-Length HTTP header."
        raise CosRefusal(411, "MissingContentLength", message)
    if (request.body.length or 0) > MAX_SIZE:
        message = "Your proposed upload exceeds the maximum allowed object size."
        raise CosRefusal(400, "EntityTooLarge", message, unread=True)


def _check_bucket(environment: Environment) -> None:
    if not environment.has_bucket:
        raise CosRefusal(404, "NoSuchBucket", "The specified bucket does not exist.")


def _check_signature(state: State, request: Request, now: float) -> None:
    try:
        auth = signing.read_authorization(request.query, request.headers)
        start, end = auth.window()
    except signing.BadCarrier as error:
        raise CosRefusal(403, "AccessDenied", f"Access Denied: {error}.") from None
    _check_credentials(state, request, auth.access_key)
    if now < start:
        message = "The request is not valid yet; check the clocks."
        raise CosRefusal(403, "RequestTimeTooSkewed", message, ServerTime=iso_time(now))
    if now > end:
        raise CosRefusal(403, "AccessDenied", "Request has expired", ServerTime=iso_time(now))
    _check_hmac(state, request, auth)


def _check_credentials(state: State, request: Request, access_key: str) -> None:
    if access_key != state.account.secret_id:
        raise CosRefusal(403, "InvalidAccessKeyId", "The access key id does not exist.")
    name = "x-cos-security-token"
    token = request.headers.get(name) or request.params.get(name)
    # What COS answers here is not known: both codes are candidates of the reference.
    if not token:
        raise CosRefusal(403, "InvalidAccessKeyId", "A temporary id needs its security token.")
    if token != state.account.security_token:
        raise CosRefusal(403, "AccessDenied", "Access Denied: the security token is wrong.")


def _check_hmac(state: State, request: Request, auth: signing.Authorization) -> None:
    path = request.path.decode()
    text = signing.signed_string(auth, request.method, path, request.query, request.headers)
    right = signing.signature(state.account.secret_key, auth.key_time, text, auth.sign_time)
    if auth.algorithm != "sha1" or auth.signature != right:
        raise CosRefusal(
            403,
            "SignatureDoesNotMatch",
            "The Signature you specified is invalid.",
            StringToSign=signing.string_to_sign(auth.sign_time, text),
            FormatString=text,
        )


def _content_md5(request: Request) -> str | None:
    """Return the MD5 of the request's Content-MD5, in hex."""
    promised = request.headers.get("content-md5")
    if promised is None:
        return None
    try:
        digest = base64.b64decode(promised, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != hashlib.md5(usedforsecurity=False).digest_size:
        raise CosRefusal(400, "InvalidDigest", "The Content-MD5 you specified is not valid.")
    return digest.hex()


def _receive(state: State, environment: Environment, request: Request) -> ReceivedBytes:
    blocks = request.body.blocks(request.keep)
    try:
        incoming = environment.bucket.receive(blocks, state.quirks.crc64_limit)
        request.body.drain()
    except ConnectionError:
        message = "The body is shorter than the Content-Length that was announced."
        raise CosRefusal(400, "IncompleteBody", message, unread=True) from None
    return incoming


def _store(
    state: State,
    environment: Environment,
    request: Request,
    incoming: ReceivedBytes,
    wanted: str | None,
) -> Answer:
    # A truncated body could never match: the fault stands for a store that does not check.
    if wanted not in (None, incoming.md5) and request.keep is None:
        message = "The Content-MD5 you specified did not match what we received."
        raise CosRefusal(400, "BadDigest", message)
    forbidden = request.headers.get("x-cos-forbid-overwrite", "").lower() == "true"
    if forbidden and environment.bucket.get(request.key):
        raise CosRefusal(409, "FileAlreadyExists", "The object exists and may not be overwritten.")
    environment.bucket.put(
        request.key,
        incoming,
        kept_headers(request.headers),
        now=state.now(),
        stale=state.quirks.site_stale_seconds,
        lag=state.quirks.list_lag_seconds,
    )
    headers = {"ETag": f'"{incoming.md5}"', **cos_headers(state.now())}
    if incoming.crc64 is not None:
        headers["x-cos-hash-crc64ecma"] = str(incoming.crc64)
    return Answer(200, headers)


def kept_headers(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers that are stored with an object, in their usual capitals."""
    return {
        name if name.startswith("x-cos-meta-") else name.title(): value
        for name, value in headers.items()
        if name in _KEPT or name.startswith("x-cos-meta-")
    }


def _refusal(
    state: State, environment: Environment, request: Request, refused: CosRefusal
) -> Answer:
    resource = f"{environment.bucket_name}.cos.{REGION}.myqcloud.com/{request.key}"
    answer = cos_error(
        refused.status, refused.code, refused.message, resource, state.now(), **refused.more
    )
    if refused.unread or request.body.waiting:
        answer.close = True  # nobody invited the body, so nobody reads it
    else:
        request.body.drain()
    return answer
