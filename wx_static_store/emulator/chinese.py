"""What the command says in Chinese, and when: LC_ALL, LC_MESSAGES or LANG begins with zh."""

from __future__ import annotations

import os
import re

from .chinese_errors import ARGPARSE, ERRORS, NAMES, VALUES
from .chinese_tables import KINDS, QUIRKS

OPTIONS = {
    "WeChat's open platform, Tencent COS and the hosted site, on loopback.": (
        "在本机回环地址上模拟微信开放平台、腾讯云 COS 和静态网站。"
    ),
    "API port; environments follow (default: %(default)s; 0: any that are free)": (
        "API 端口，各环境依次使用其后的端口（默认：%(default)s；0：任意空闲端口）"
    ),
    "loopback address to bind (default: %(default)s)": "监听的回环地址（默认：%(default)s）",
    "environment id, repeatable (default: demo-1a2b3c4d5e6f7g8h)": (
        "环境 ID，可重复使用（默认：demo-1a2b3c4d5e6f7g8h）"
    ),
    "folder for the objects, which survive a restart (default: %(default)s)": (
        "保存对象的目录，重启后对象仍在（默认：%(default)s）"
    ),
    "forget the objects at the end": "对象只保存在内存中，结束后丢失",
    "component_appid that the token call accepts (default: %(default)s)": (
        "获取令牌时接受的 component_appid（默认：%(default)s）"
    ),
    "component_appsecret that belongs to it (default: %(default)s)": (
        "与之对应的 component_appsecret（默认：%(default)s）"
    ),
    "component_verify_ticket, as if pushed at the start; good for 12 hours "
    "(default: %(default)s)": (
        "验证票据 (component_verify_ticket)，视为启动时推送，有效期 12 小时（默认：%(default)s）"
    ),
    "component_access_token that is good at once and of any age, until another is fetched "
    "(default: %(default)s)": (
        "令牌 (component_access_token)，立即可用且不会过期，直到获取新的令牌（默认：%(default)s）"
    ),
    "text that signs pushes, the receiver's CALLBACK_TOKEN (default: %(default)s)": (
        "推送签名所用的文本，即接收方的 CALLBACK_TOKEN（默认：%(default)s）"
    ),
    "43 characters of base64, the receiver's CALLBACK_AES_KEY (default: %(default)s)": (
        "43 个 base64 字符，即接收方的 CALLBACK_AES_KEY（默认：%(default)s）"
    ),
    "push verify tickets to this address on loopback": "把验证票据推送到该回环地址",
    "the first ticket at the start, then one every N seconds (default: %(default)s)": (
        "启动时推送第一个验证票据，之后每 N 秒推送一个（默认：%(default)s）"
    ),
    "certificate: serve https on every port, with --tls-key": (
        "证书：所有端口都使用 https，须与 --tls-key 一起使用"
    ),
    "private key of the certificate": "证书的私钥",
    "JSON file of quirks; --set overrides it": "含行为开关的 JSON 文件；--set 优先",
    "a quirk, repeatable": "一个开关，可重复使用",
    "a fault, repeatable": "一个故障，可重复使用",
    "one line for each request, on stderr": "每个请求在标准错误输出一行",
    "show this help message and exit": "显示本说明后退出",
    "usage: ": "用法：",
    "options": "选项",
}

LINES = {
    "# Paste into settings.py:": "# 粘贴到 settings.py：",
    "component appid": "第三方平台 appid",
    "component appsecret": "第三方平台 appsecret",
    "verify ticket": "验证票据",
    "tickets pushed to": "验证票据推送到",
    "{url}  every {seconds:g} seconds": "{url}，每 {seconds:g} 秒一次",
    "callback token": "推送的 token",
    "callback aes key": "推送的 AES key",
    "environment": "环境",
    "objects": "对象",
    "{count} in {folder}": "{count} 个，保存在 {folder}",
    "in memory: they end with the emulator, but your project's log still has them. "
    "manage.py wx_reconcile --fix corrects it.": (
        "在内存中：模拟器结束后丢失，而项目的上传日志仍认为它们存在。"
        "manage.py wx_reconcile --fix 可更正日志。"
    ),
    "control plane": "控制接口",
}

_TABLE = OPTIONS | LINES | ERRORS | NAMES | VALUES | QUIRKS | KINDS


def chinese() -> bool:
    """Return whether the terminal speaks Chinese."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    return next(filter(None, map(os.environ.get, names)), "").startswith("zh")


def said(english: str, /, **parts: object) -> str:
    """Return the text in the language of the terminal, with its parts filled in."""
    text = _TABLE.get(english, english) if chinese() else english
    return text.format(**parts) if parts else text


def said_by_argparse(english: str) -> str:
    """Return an error of argparse in the language of the terminal."""
    if not chinese():
        return english
    if option := re.match(r"argument (\S+): ", english):
        return f"参数 {option[1]}：{said_by_argparse(english[option.end() :])}"
    for pattern, text in ARGPARSE.items():
        if found := re.fullmatch(pattern, english):
            return text.format(*found.groups())
    return english
