"""Each code of COS; what is not listed goes by its HTTP status. Source: COS's table of errors."""

from ..i18n import gettext_lazy as _
from .cause import Blame
from .own import COS, COS_REFUSED, COS_THROTTLED, EXPIRED, INTEGRITY, NAME_ANEW

_ALTERED = _("The link or the body was altered on the way: look for a proxy that rewrites either.")
_LATE = _("The link expired before it was used: the upload may need more than its 60 seconds.")
_BLOCKED = _("The platform blocks this content or this domain.")
UNKNOWN = "cos"  # the entry of a refusal whose code is not listed

# An entry is read as one.
# fmt: off
TABLE = (
    EXPIRED.but("ExpiredToken cos.expired", operator=_LATE),
    EXPIRED.but(
        "InvalidAccessKeyId", title=_("COS does not know the link's key"),
        means=_("The key is a temporary one, and it has expired; or the header "
                "x-cos-security-token did not arrive with it."),
        operator=_("The link expired before it was used, or a proxy takes headers away: "
                   "x-cos-security-token must arrive."), once=True),
    EXPIRED.but(
        "RequestTimeTooSkewed", error="CosRefused", title=_("The link is too old"),
        means=_("The time in the link is too far from the clock of COS. The clock of your server "
                "plays no part in the signature."), operator=_LATE, once=True),
    COS_REFUSED.but(
        "AccessDenied cos.403", title=_("COS denies the access"),
        means=_("The signature, the token or the rights of the link do not allow this request."),
        operator=_("A proxy may change the link or take headers away. If there is none, quote the "
                   "request id when you ask WeChat: the link is theirs."), once=True),
    COS_REFUSED.but(
        "SignatureDoesNotMatch", title=_("The signature of the link does not fit"),
        means=_("A proxy rewrote the address or a header of the request."), operator=_ALTERED,
        once=True, blame=Blame.NETWORK),
    INTEGRITY.but("BadDigest InvalidDigest", operator=_ALTERED),
    COS.but(
        "IncompleteBody EntitySizeNotMatch RequestTimeout UserNetworkTooSlow",
        title=_("The file did not arrive whole"),
        means=_("The network between this server and COS is slow, or breaks off."),
        operator=_("Check the network, the DNS and the proxy of this server."),
        blame=Blame.NETWORK),
    COS_REFUSED.but(
        "EntityTooLarge", title=_("The file is too large"),
        means=_("WeChat's links allow a single PUT only, and a PUT has a limit."),
        operator=_("One PUT takes 5 GB at most."),
        editor=_("Make the file smaller, or split it, and upload it again."), blame=Blame.PROJECT),
    COS_REFUSED.but(
        "InvalidURI", title=_("The key of the file is too long"),
        means=_("The folders and the name add up."),
        operator=_("The key is longer than 850 bytes."),
        editor=NAME_ANEW, blame=Blame.PROJECT),
    COS_REFUSED.but(
        "PaymentRequired cos.402", title=_("The environment is in arrears"),
        means=_("The plan of the environment has expired, or its bill was not paid."),
        operator=_("The environment's bill is unpaid: see the CloudBase console."),
        stops_batch=True, blame=Blame.TENANT),
    COS_REFUSED.but(
        "NoSuchBucket cos.404", title=_("The environment has no static hosting"),
        means=_("Static hosting was never opened in this environment, or somebody closed it."),
        operator=_("Static hosting is not open in this environment: open it in the CloudBase "
                   "console."),
        stops_batch=True, blame=Blame.TENANT, docs="account-hosting"),
    COS_REFUSED.but(
        "UnavailableForLegalReasons DomainAuditFailed cos.451", title=_("The site is blocked"),
        means=_("Somebody reported the content, or the domain did not pass a check of Tencent "
                "Cloud."), operator=_BLOCKED, stops_batch=True, blame=Blame.TENANT),
    COS_THROTTLED.but("SlowDown ServiceUnavailable cos.429 cos.503"),
    COS_REFUSED.but(
        UNKNOWN, title=_("COS refuses this by a code that this app does not know"),
        means=_("The message of COS says why. The HTTP status decides what the upload does next.")),
)
# fmt: on
