"""The parts of the manual in Chinese; each has the commands and names of the English one."""

FLOW = """\
流程，适用于任何语言（可直接粘贴；模拟器使用默认端口）
  API=http://127.0.0.1:8900                        # 启动时打印的 API_BASE_URL
  TOKEN=emulator-access-token                      # 也可以自行获取，见本节最后几行
  printf 'body{}' > a.css

  # 1. 获取一个文件的签名链接，60 秒内有效：{"errcode":0,...,"signed_url":"...","token":"..."}
  ANSWER=$(curl -s "$API/componenttcb/staticuploadfile?access_token=$TOKEN" \\
       -d '{"env": "demo-1a2b3c4d5e6f7g8h", "filename": "static/a.css"}')
  SIGNED_URL=$(printf %s "$ANSWER" | sed 's/.*"signed_url":"\\([^"]*\\)".*/\\1/')
  SECURITY_TOKEN=$(printf %s "$ANSWER" | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
  # 2. 发送内容到 signed_url（原样使用），并在请求头中带上 "token"
  curl -X PUT "$SIGNED_URL" -H "x-cos-security-token: $SECURITY_TOKEN" \\
       -H "Content-Type: text/css" --data-binary @a.css
  # 3. 浏览器看到的内容（地址见 describestaticstore 的 "domain"）
  curl http://127.0.0.1:8901/static/a.css

  curl -s "$API/componenttcb/staticfilelist?access_token=$TOKEN" \\
       -d '{"env": "demo-1a2b3c4d5e6f7g8h", "prefix": "static/"}'
  curl -s "$API/componenttcb/describestaticstore?access_token=$TOKEN" \\
       -d '{"env": "demo-1a2b3c4d5e6f7g8h"}'
  curl -s "$API/cgi-bin/component/api_component_token" -d '{"component_appid":
       "wx0000000000000001", "component_appsecret": "emulator-appsecret",
       "component_verify_ticket": "emulator-ticket"}'
"""

OTHERS = """\
需要令牌的其他调用；空的请求体会被拒绝，至少发送 {}
  /componenttcb/describeenvs                按创建顺序列出环境，附 "envs" 设置的状态和别名
  /componenttcb/batchgetenvid               appids、source_type：共享给它们的环境
  /cgi-bin/openapi/quota/get                cgi_path：该路径今天的调用次数，以及开关设置的上限；
                                            两者都会生效
  /cgi-bin/openapi/rid/get                  rid：最近七天内被拒绝的一次调用，与微信一样含有真实的
                                            令牌和请求体
  /cgi-bin/component/api_get_authorizer_list  component_appid、offset、count（最多 500）：账号列表，
                                            来自 "envs" 的 "appids"、"accounts" 和正确的推送

不需要令牌的其他调用
  /cgi-bin/component/clear_quota/v2         component_appid、appsecret：调用次数清零，每月 10 次，
                                            之后返回 48006
  /cgi-bin/component/api_start_push_ticket  component_appid、component_secret：最新的验证票据已过期
                                            或 "pushing" 为 false 时返回 "ok"，并立即推送新的票据
                                            （没有推送地址时，旧票据重新有效）；否则返回
                                            "in a normal state"

TLS：使用 --tls-cert 和 --tls-key 时，上述地址都是 https；证书由您自己生成，客户端须信任它
（curl --cacert cert.pem）
"""

PUSHES = """\
推送（使用 --push-url URL，须为回环地址；需要可选依赖 "callback"）
  启动时向 URL 推送一个新的 component_verify_ticket，之后每 --push-seconds 秒（真实时间）推送一个，
  以 --push-token 签名，以 --push-aes-key 加密；--set pushing=false 停止推送。URL 应在 5 秒内返回
  200 和 "success"；失败的推送不会重发。无论如何，票据在 12 小时内有效。立即再推送一个：
  curl -X POST "$API/__emulator__/push" -d '{"variant": "plain"}'
  推送一个账号的授权；账号列表随之增加或减少：
  curl -X POST "$API/__emulator__/push" -d '{"kind": "authorized", "appid": "wxfake00000000000a"}'
  kind   {kinds}
  age    事件发生至今的秒数：推送迟到，可能晚于更新的推送；账号列表不变
  以下推送是正确的，其内容属实：
{right}
  以下推送是错误的，微信从未发出这些票据；replay 是重复上一次推送：
{wrong}
"""

CONTROL = """\
控制接口（HTTP 上的 JSON，使用 API 端口）
  GET    /__emulator__/            本说明
  GET    /__emulator__/state       地址、令牌、计数、开关
  GET    /__emulator__/journal     至今的所有请求；?name=put_object  ?key=static/a.css
  DELETE /__emulator__/journal
  GET    /__emulator__/objects     ?env=...（默认：第一个环境）
  POST   /__emulator__/faults      一个故障，或故障的列表
  GET    /__emulator__/faults      已设置的故障；用完的 "times" 为 0
  DELETE /__emulator__/faults
  POST   /__emulator__/quirks      {"page_size": 2}
  POST   /__emulator__/clock       {"advance": 61}
  POST   /__emulator__/envs        {"env": "demo-2", "status": "online"}；condition、alias、appids
  POST   /__emulator__/accounts    {"appid": "wx...", "authorized": true}  不发送推送
  POST   /__emulator__/ticket      {"ticket": "..."}  如同微信推送了一个验证票据
  POST   /__emulator__/push        {"variant": "plain"}  立即推送；也可用 kind、appid、age，见“推送”
  GET    /__emulator__/pushes      至今的所有推送及其响应
  POST   /__emulator__/expire-token   如同其他系统刷新了令牌
  POST   /__emulator__/reset       恢复到启动时的状态，端口保持打开
"""

FAULTS = """\
故障：一个 JSON 对象；第一个匹配请求且未用完的故障生效
  {"on": "put_object", "key": "static/*", "skip": 1, "times": 2, "do": "cos_error",
   "status": 503, "code": "SlowDown"}
  on     以下调用之一，connection（任何请求之前），或 *，即该种类允许的全部：
{calls}
  key    匹配对象文件路径的通配符；env：环境 ID（API 端口的连接为 ""）；两者均可省略
  skip   先放过多少个匹配的请求（0）；times：生效次数（1，null：不限）
  do     下列种类之一；没有默认值的参数必须给出
  apply  虽然响应不同，请求是否仍然生效
"""

QUIRKS = """\
开关（--set name=value，--profile FILE，POST /__emulator__/quirks）及其默认值
"""
