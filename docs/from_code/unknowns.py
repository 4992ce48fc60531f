"""Write what the documents leave open: the check that settles it, or why none does."""

from wx_static_store.health.doctor.table import CHECKS

from . import here, plain
from .doctor import anchor_of

# By the check that settles it, in English and Chinese.
SETTLED = {
    "browser.cors": [
        (
            "Whether a CORS rule allows uploads.",
            "CORS 规则是否允许上传。",
        ),
    ],
    "environments.listed": [
        (
            "How many environments describeenvs lists at most.",
            "describeenvs 最多列出多少个环境。",
        ),
    ],
    "environments.hosting": [
        (
            "What describestaticstore answers before hosting is open.",
            "静态网站托管开通之前，describestaticstore 返回什么。",
        ),
    ],
    "probe.list": [
        (
            "Whether the list gives the MD5 of a file that was sent by one PUT.",
            "对于一次 PUT 上传的文件，文件列表是否给出 MD5。",
        ),
        (
            "Whether a page of the list repeats its marker.",
            "文件列表的一页是否会重复 marker 本身。",
        ),
        (
            "How late the list may be.",
            "文件列表的更新会延迟多久。",
        ),
    ],
    "probe.answers": [
        (
            "Whether describestaticstore answers with Data or data, region or regoin.",
            "describestaticstore 返回的成员名是 Data 还是 data，是 region 还是 regoin。",
        ),
        (
            "Whether the contents of a list can be null.",
            "文件列表的 contents 是否可能是 null。",
        ),
        (
            "The page size of the list.",
            "文件列表每页的文件数。",
        ),
    ],
    "quota.calls": [
        (
            "Whether WeChat shows the quota of these calls, and their rate.",
            "微信是否给出这些接口的额度和频率限制。",
        ),
    ],
    "probe.public": [
        (
            "Whether the CDN keeps the Cache-Control of an upload.",
            "CDN 是否保留上传时的 Cache-Control。",
        ),
        (
            "Whether the public address forces downloads.",
            "公开访问地址是否强制下载。",
        ),
    ],
    "probe.speed": [
        (
            "How many bytes a second the default domain gives.",
            "默认域名每秒能传输多少字节。",
        ),
    ],
    "probe.index": [
        (
            "What a folder answers without its last slash.",
            "目录地址末尾没有斜杠时返回什么。",
        ),
        (
            "What an address without a file answers, and with which status.",
            "没有对应文件的地址返回什么，以及状态码是什么。",
        ),
    ],
    "probe.notice": [
        (
            "Whether a default domain shows a notice page.",
            "默认域名是否返回提示页。",
        ),
    ],
    "probe.gzip": [
        (
            "Whether a file can be stored as gzip, and what clients without gzip then get.",
            "文件能否以 gzip 形式存储，以及不支持 gzip 的客户端会收到什么。",
        ),
    ],
    "probe.cdn": [
        (
            "How long the CDN shows an old file in spite of no-cache.",
            "即使设置了 no-cache，CDN 仍会显示旧文件多久。",
        ),
        (
            "Whether an environment has moved from the CDN to EdgeOne.",
            "环境是否已从 CDN 迁移到 EdgeOne。",
        ),
    ],
}
# What no check settles, and why.
UNSETTLED = (
    (
        (
            "How many tokens may be fetched a day.",
            "每天最多可以获取多少个令牌。",
        ),
        (
            "A check would use them all up.",
            "要检查这一点，就必须把次数用完。",
        ),
    ),
    (
        (
            "Whether batchdeletefile can delete files of the static bucket.",
            "batchdeletefile 能否删除静态网站托管的存储桶中的文件。",
        ),
        (
            "The call is meant for another store.",
            "这个接口用于另一种存储。",
        ),
    ),
    (
        (
            "Whether the signature of a link is checked only at the start of a long upload.",
            "上传时间较长时，签名链接的签名是否只在开始时校验。",
        ),
        (
            "A late refusal is tried again.",
            "中途被拒绝时会重试。",
        ),
    ),
    (
        (
            "Whether x-cos-meta-* headers are allowed, and reach visitors.",
            "是否允许 x-cos-meta-* 头，以及访客能否收到。",
        ),
        (
            "The app sends none, except with the option compress, or if _headers names them.",
            "除非使用选项 compress，或 _headers 写明这些头，本应用不会发送。",
        ),
    ),
    (
        (
            "Whether WeChat repeats a push, and in which order pushes come.",
            "微信是否会重复推送，以及各次推送的到达顺序。",
        ),
        (
            "A repeated or late push changes nothing.",
            "重复或迟到的推送不会有任何影响。",
        ),
    ),
)


def text() -> str:
    """Return a list of the checks with what each settles, then one of what no check settles."""
    settled = (
        (f":ref:`{check.id} <{anchor_of(check.id)}>`", SETTLED[check.id])
        for check in CHECKS
        if check.id in SETTLED
    )
    lines = [
        f"- {check}{here(': ', '：')}{plain(here(' ', '').join(here(*each) for each in texts))}"
        for check, texts in settled
    ]
    lines += ["", here("No check answers these:", "以下问题没有检查可以回答："), ""]
    lines += [
        f"- {plain(here(*what))}{here(' ', '')}{plain(here(*why))}" for what, why in UNSETTLED
    ]
    return "\n".join([*lines, ""])
