"""What is wrong with an option, a quirk, a fault or a request, in Chinese."""

from __future__ import annotations

ERRORS = {
    "name another folder with --directory, or keep no files with --memory": (
        "请用 --directory 指定其他目录，或用 --memory 不保存文件"
    ),
    "cannot write to {folder}: {why}; {another}": "无法写入 {folder}：{why}；{another}",
    "it is no folder": "它不是目录",
    "{folder} has files that are not an emulator's; {another}": (
        "{folder} 中有不属于模拟器的文件；{another}"
    ),
    "another emulator uses {folder}; end it, or {another}": (
        "另一个模拟器正在使用 {folder}；请先结束它，或者{another}"
    ),
    "{error}; name another port with --port, or 0 for one that is free": (
        "{error}；请用 --port 指定其他端口，或用 0 选择空闲端口"
    ),
    "--tls-cert and --tls-key go together: a certificate and its private key": (
        "--tls-cert 和 --tls-key 须一起使用：证书及其私钥"
    ),
    "--fault {text}: not JSON: {error}": "--fault {text}：不是 JSON：{error}",
    "{prog}: error: {why}": "{prog}：错误：{why}",
    "--profile {path}: {why}": "--profile {path}：{why}",
    "--profile {path}: not JSON: {error}": "--profile {path}：不是 JSON：{error}",
    "--profile {path}: not an object such as {example}": (
        "--profile {path}：不是对象，例如 {example}"
    ),
    "cannot listen on {host}:{port}: {why}": "无法监听 {host}:{port}：{why}",
    "the emulator {does} loopback only, and {host!r} is not: its secrets are public. "
    "Use 127.0.0.1, ::1 or localhost": (
        "模拟器只能{does}回环地址，而 {host!r} 不是：模拟器的密钥是公开的。"
        "请使用 127.0.0.1、::1 或 localhost"
    ),
    "listens on": "监听",
    "pushes to": "推送到",
    "answers": "应答",
    "another web page sends this request; use curl, or type the address": (
        "该请求来自其他网页；请使用 curl，或直接输入地址"
    ),
    "TLS needs a certificate and its private key in PEM, not {cert!r} and {key!r}: {error}": (
        "TLS 需要 PEM 格式的证书及其私钥，{cert!r} 和 {key!r} 不是：{error}"
    ),
    "{env!r} is no environment id: letters, digits and '-' only": (
        "{env!r} 不是环境 ID：只能使用字母、数字和 '-'"
    ),
    "{appid!r} is no appid: wx and 16 small letters or digits": (
        "{appid!r} 不是 appid：须为 wx 加 16 个小写字母或数字"
    ),
    "{meta} is damaged; delete it, then publish its file again": (
        "{meta} 已损坏；请删除它，然后重新发布对应的文件"
    ),
    "push_seconds takes seconds above 0 such as 600, not {seconds}": (
        "push_seconds 须为大于 0 的秒数，例如 600，不能是 {seconds}"
    ),
    "push_url takes an address such as http://127.0.0.1:8000/wx/callback/, not {url!r}": (
        "push_url 须为地址，例如 http://127.0.0.1:8000/wx/callback/，不能是 {url!r}"
    ),
    "push_token is empty; it is the text that the receiver checks, too": (
        "push_token 为空；它是接收方也会校验的文本"
    ),
    "push_aes_key takes 43 characters of base64, A-Z, a-z, 0-9, + and /": (
        "push_aes_key 须为 43 个 base64 字符：A-Z、a-z、0-9、+ 和 /"
    ),
    'pushing tickets needs cryptography: pip install "wx_static_store[callback]"': (
        '推送验证票据需要 cryptography：pip install "wx_static_store[callback]"'
    ),
    "nothing says where to push: set push_url, or call push_to(url)": (
        "没有推送地址：请设置 push_url，或调用 push_to(url)"
    ),
    "there is nothing to replay yet: push something first": ("没有可以重复的推送：请先推送一次"),
    "a push {kind!r} is about an account: give its appid": (
        "{kind!r} 是关于某个账号的推送：请给出其 appid"
    ),
    "Address already in use": "地址已被占用",
    "No such file or directory": "文件或目录不存在",
    "Permission denied": "权限不足",
}

NAMES = {
    "unknown {kind} {name!r}: {hint}valid are {valid}": (
        "{kind} {name!r} 无效：{hint}有效值：{valid}"
    ),
    "did you mean {near!r}? ": "您是否想用 {near!r}？",
    "quirk": "开关",
    "kind of fault ('do')": "故障种类 ('do')",
    "'on' for {do!r}": "{do!r} 的 'on'",
    "parameter of {do!r}": "{do!r} 的参数",
    "page": "页面",
    "member": "成员",
    "kind of push": "推送种类",
    "variant": "推送变体",
    "status": "状态",
}

VALUES = {
    "{text!r} is not of the form name=value": "{text!r} 的格式不是 name=value",
    "quirk {name} is {known}, not {value!r}": "开关 {name} 的值须为 {known}，不能是 {value!r}",
    "quirk {name} takes {kind} such as {default!r}": "开关 {name} 需要{kind}，例如 {default!r}",
    "a whole number": "整数",
    "a number": "数字",
    "true or false": "布尔值 true 或 false",
    "text": "文本",
    "an object": "对象",
    "a list": "列表",
    "null": "空值 null",
    " or ": " 或 ",
    "{one} or {other}": "{one}或{other}",
    "a fault is a JSON object such as {example}": "故障是一个 JSON 对象，例如 {example}",
    "'key' is a glob and 'env' an environment id, both text": (
        "'key' 是通配符，'env' 是环境 ID，两者都须为文本"
    ),
    "'skip' and 'times' are whole numbers; 'times' is null for ever": (
        "'skip' 和 'times' 须为整数；'times' 为 null 表示不限次数"
    ),
    "'times' is 0, so it would never act; null is for ever": (
        "'times' 为 0，故障不会生效；null 表示不限次数"
    ),
    "{do!r} needs {name!r} ({types})": "{do!r} 缺少 {name!r}（{types}）",
    "{name!r} of {do!r} is {types}, not {value!r}": (
        "{do!r} 的 {name!r} 须为{types}，不能是 {value!r}"
    ),
    "{name!r} of {do!r} is one of {known}": "{do!r} 的 {name!r} 须为以下之一：{known}",
    "{name} takes {known}, not {method}": "{name} 接受 {known}，不接受 {method}",
    "the body is not JSON: {error}": "请求体不是 JSON：{error}",
    "the body is a JSON object with {known}": "请求体须为 JSON 对象，其成员：{known}",
    "names and values": "名称和值",
    "{name!r} is missing or of the wrong type; send {example}": (
        "缺少 {name!r} 或其类型错误；请发送 {example}"
    ),
    "the clock only goes forward, by at most 100 years in all; "
    "'advance' takes seconds such as 60, not {given}": (
        "时钟只能前进，总共不超过 100 年；'advance' 须为秒数，例如 60，不能是 {given}"
    ),
}

# What argparse says: a pattern of its English, and the Chinese of it.
ARGPARSE = {
    r"unrecognized arguments: (.*)": "无法识别的参数：{0}",
    r"invalid int value: (.*)": "须为整数，不能是 {0}",
    r"invalid float value: (.*)": "须为数字，不能是 {0}",
    r"not allowed with argument (.*)": "不能与参数 {0} 一起使用",
    r"expected one argument": "需要一个值",
    r"ignored explicit argument (.*)": "不接受值 {0}",
    r"ambiguous option: (.*) could match (.*)": "选项 {0} 不明确，可能是 {1}",
}
