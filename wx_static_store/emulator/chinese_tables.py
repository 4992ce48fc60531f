"""What the quirks and the kinds of faults are for, in Chinese."""

from __future__ import annotations

QUIRKS = {
    "member of describestaticstore": "describestaticstore 返回的成员名",
    "the region's member there": "其中表示地域的成员名",
    "no hosting: what describe holds": "未开通静态网站托管时返回的内容",
    "contents of an empty list": "空列表的 contents",
    "is_truncated is a": "is_truncated 的类型",
    "does a page repeat its marker": "下一页是否包含 marker 本身",
    "keys on a page of staticfilelist": "staticfilelist 每页的文件数",
    "md5 in lists; multipart = <32 hex>-1": "列表中的 md5；multipart = <32 位十六进制>-1",
    "staticfilelist shows a write or a deletion this many seconds later": (
        "写入或删除多少秒后才出现在 staticfilelist 中"
    ),
    "errcode is a": "errcode 的类型",
    "Content-Type of WeChat's answers": "微信响应的 Content-Type",
    "when a PUT's link is checked": "何时检查 PUT 的签名链接",
    "life of a link": "签名链接的有效期（秒）",
    "life of a component_access_token": "component_access_token 的有效期（秒）",
    "life of the old token after a new one was fetched": "获取新令牌后旧令牌的有效期（秒）",
    "life of each verify ticket, whatever comes after it": (
        "每个验证票据的有效期（秒），不受后来的票据影响"
    ),
    "tickets are pushed; api_start_push_ticket switches it on again": (
        "是否推送验证票据；api_start_push_ticket 可重新开启"
    ),
    "the site serves the old bytes this long (CDN)": "网站继续返回旧内容的时间（秒，CDN）",
    "a query string skips the stale copy": "带查询字符串的请求绕过旧副本",
    "browsers may PUT and GET from other origins": "浏览器可以跨域 PUT 和 GET",
    "seconds before a WeChat call is handled": "处理微信调用之前等待的秒数",
    "seconds before a PUT is handled": "处理 PUT 之前等待的秒数",
    "calls of an API a day, then 45009 (0: no limit)": (
        "每个接口每天的调用次数，超出后返回 45009（0：不限）"
    ),
    "calls of an API in a period, then 45011 (0: no limit)": (
        "每个接口在一个周期内的调用次数，超出后返回 45011（0：不限）"
    ),
    "addresses that may call, with commas; others get 61004 (empty: any)": (
        "允许调用的地址，以逗号分隔；其他地址得到 61004（空：不限）"
    ),
    "seconds from createstaticstore to online": "从 createstaticstore 到 online 的秒数",
    "larger objects (bytes) are answered without CRC-64": ("大于此字节数的对象，响应中没有 CRC-64"),
    "start of links instead of the listener's, with {env} {bucket} {region} {address}": (
        "签名链接的开头，代替监听地址；可含 {env} {bucket} {region} {address}"
    ),
    "public address that describe gives, with {env}": "describe 返回的公开访问地址；可含 {env}",
    "Cache-Control of the site: the object's own (kept), none, or this text": (
        "网站的 Cache-Control：对象自身的 (kept)、没有 (none)，或该文本"
    ),
    "the site's files are downloads, except in a HEAD (get)": (
        "网站的文件作为附件下载；get：HEAD 除外"
    ),
    "a browser sees a notice first, by a redirect or in place of the page (200); other "
    "requests get attachments": (
        "浏览器先看到提示页：通过重定向，或代替页面 (200)；其他请求得到附件"
    ),
    "GET /folder, if it has an index.html": "GET /folder，目录中有 index.html 时",
    "methods that the CORS rule allows": "CORS 规则允许的方法",
    "headers that the CORS rule allows (empty: all that are asked)": (
        "CORS 规则允许的请求头（空：请求的全部允许）"
    ),
    "seconds that Date of WeChat's answers is ahead": "微信响应的 Date 提前的秒数",
    "seconds that Date of COS's and the site's answers is ahead": (
        "COS 和网站响应的 Date 提前的秒数"
    ),
    "length of that period": "该周期的长度（秒）",
    "quota/get knows the paths below /componenttcb/ (false: 76021)": (
        "quota/get 是否支持 /componenttcb/ 下的路径（false：76021）"
    ),
    "rate_limit and component_rate_limit of quota/get": (
        "quota/get 的 rate_limit 和 component_rate_limit"
    ),
    "numbers of quota/get": "quota/get 中的数值",
    "quota/get shows a call or a reset this much later": (
        "调用或清零多少秒后才出现在 quota/get 中"
    ),
    "rid/get knows a refused call this much later": "被拒绝的调用多少秒后才能由 rid/get 查到",
    "calls refused from now on are another account's (76003)": (
        "今后被拒绝的调用属于其他账号（76003）"
    ),
    "the platform may use cloud development (false: 85088 for each /componenttcb/ call)": (
        "第三方平台可以使用云开发（false：每个 /componenttcb/ 调用返回 85088）"
    ),
    "false: createstaticstore is refused for its billing mode": (
        "false：createstaticstore 因计费方式被拒绝"
    ),
    "what a created store is after that delay; process: it never ends": (
        "该时间之后静态网站托管的状态；process：一直未完成"
    ),
    "status word that describe shows (empty: the true one)": (
        "describe 返回的状态（空：真实状态）"
    ),
    "info_list of describeenvs": "describeenvs 的 info_list",
    "status in describeenvs, of those without their own": (
        "describeenvs 中没有自身状态的环境的状态"
    ),
    "calls of describeenvs that show an environment as UNAVAILABLE first": (
        "describeenvs 前多少次调用把环境显示为 UNAVAILABLE"
    ),
    "further environments in describeenvs, that nothing else knows": (
        "describeenvs 中额外的环境数，其他调用不认识它们"
    ),
    "of batchgetenvid; without it 40101 if required, with it 40097 if refused": (
        "batchgetenvid 的参数；required 时缺少它返回 40101，refused 时带上它返回 40097"
    ),
    "appids in a batchgetenvid, more are 40097 (0: any number)": (
        "一次 batchgetenvid 的 appid 数，超出返回 40097（0：不限）"
    ),
    "env_list of an account without environment": "没有环境的账号的 env_list",
    "query name that api_get_authorizer_list takes": ("api_get_authorizer_list 接受的查询参数名"),
    "accounts are listed with a refresh_token": "账号列表中带有 refresh_token",
    "order of the accounts; turning: each call turns it round": (
        "账号的顺序；turning：每次调用轮换一次"
    ),
}

KINDS = {
    "WeChat refuses: errcode and errmsg, with a rid": "微信拒绝请求，返回 errcode、errmsg 和 rid",
    "any HTTP answer": "任意 HTTP 响应",
    "members of `json` laid over WeChat's answer (null is a value), those of `drop` left out": (
        "用 `json` 的成员覆盖微信的响应（null 也是值），去掉 `drop` 中的成员"
    ),
    "COS refuses, in XML; with `apply` it stored the object all the same": (
        "COS 以 XML 拒绝请求；设置 `apply` 时对象仍被保存"
    ),
    "stored, but with another ETag or CRC-64 in the answer (empty text: without it)": (
        "已保存，但响应中的 ETag 或 CRC-64 不同（空文本：不返回）"
    ),
    "only the first `bytes` are stored, the answer is 200 with the ETag of those": (
        "只保存前 `bytes` 字节，返回 200，ETag 也是这部分的"
    ),
    "TCP reset instead of an answer, after the whole request was read": (
        "读完整个请求后以 TCP 重置代替响应"
    ),
    "TCP reset after `bytes` of the body": "收到请求体的 `bytes` 字节后 TCP 重置",
    "everything is read and done, but the connection closes without an answer": (
        "请求已读完并执行，但连接关闭而没有响应"
    ),
    "no answer for `seconds`, then the connection closes": ("`seconds` 秒内没有响应，然后关闭连接"),
    "the normal answer, `seconds` later; `late`: the request takes effect only then": (
        "`seconds` 秒后给出正常响应；`late`：请求到那时才生效"
    ),
    "`seconds` between single bytes of the head or the body, for the first `limit` bytes": (
        "响应头或正文的前 `limit` 字节逐个发送，每个间隔 `seconds` 秒"
    ),
    "WeChat's answer breaks off after `keep` bytes (default half); Content-Length agrees": (
        "微信的响应在 `keep` 字节后中断（默认一半），Content-Length 与之相符"
    ),
    "Content-Length announces `missing` bytes more than come, then the connection closes": (
        "Content-Length 比实际内容多 `missing` 字节，然后关闭连接"
    ),
    "an HTML page instead of the answer, as of a captive portal": (
        "以 HTML 页面代替响应，如同强制登录的网络"
    ),
    "a redirect to `location` (default: the same address)": ("重定向到 `location`（默认：原地址）"),
    "200 with `bytes` of spaces, chunked": "200，内容是 `bytes` 个空格，分块传输",
    "200 with `megabytes` of zeros, gzipped, chunked": (
        "200，内容是 `megabytes` MB 的零，gzip 压缩并分块传输"
    ),
    "an interim status first, then the normal answer": "先返回临时状态码，再给出正常响应",
    "reads `bytes` of the body, nothing more for `seconds`, then closes": (
        "读取请求体的 `bytes` 字节，之后 `seconds` 秒不再读取，然后关闭连接"
    ),
    "refuses after `bytes` of the body, then reads the rest, closes or resets": (
        "收到 `bytes` 字节后拒绝，然后读完其余部分、关闭或重置连接"
    ),
    "a signed_url with another host, scheme, key or userinfo, text replaced, or expired": (
        "返回主机、协议、文件路径或用户信息不同、文本被替换或已过期的 signed_url"
    ),
    "closes during the TLS handshake, after the client's first words": (
        "TLS 握手期间，收到客户端的第一条消息后关闭连接"
    ),
    "accepts the connection (and its TLS), then closes without reading a request": (
        "接受连接（包括 TLS），不读取请求就关闭"
    ),
    "closes without an answer, only on a connection that already served a request": (
        "不响应就关闭，仅限已处理过请求的连接"
    ),
    "on any: ": "任意请求：",
    "on API calls: ": "微信的调用：",
    "on put_object: ": "put_object：",
    "on staticuploadfile: ": "staticuploadfile：",
    "on connection: ": "连接：",
    "no parameters": "没有参数",
}
