"""The manual: printed by `--help` and by `GET /__emulator__/`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from .faults import describe_kinds
from .kinds import ANY
from .language import marked, translate
from .messages import KINDS
from .quirks import describe_quirks
from .variants import REPLAY, RIGHT, VARIANTS

# xgettext:no-python-format
FLOW = marked("""\
THE FLOW, FROM ANY LANGUAGE (to be pasted, with an emulator at the default port)
  API=http://127.0.0.1:8900                        # API_BASE_URL in the lines printed at start
  TOKEN=emulator-access-token                      # or fetch one, see the last lines here
  printf 'body{}' > a.css

  # 1. a link for one file, good for 60 seconds: {"errcode":0,...,"signed_url":"...","token":"..."}
  ANSWER=$(curl -s "$API/componenttcb/staticuploadfile?access_token=$TOKEN" \\
       -d '{"env": "demo-1a2b3c4d5e6f7g8h", "filename": "static/a.css"}')
  SIGNED_URL=$(printf %s "$ANSWER" | sed 's/.*"signed_url":"\\([^"]*\\)".*/\\1/')
  SECURITY_TOKEN=$(printf %s "$ANSWER" | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
  # 2. the bytes, to signed_url exactly as it came, with "token" in a header
  curl -X PUT "$SIGNED_URL" -H "x-cos-security-token: $SECURITY_TOKEN" \\
       -H "Content-Type: text/css" --data-binary @a.css
  # 3. what a browser sees (the address stands in describestaticstore as "domain")
  curl http://127.0.0.1:8901/static/a.css

  curl -s "$API/componenttcb/staticfilelist?access_token=$TOKEN" \\
       -d '{"env": "demo-1a2b3c4d5e6f7g8h", "prefix": "static/"}'
  curl -s "$API/componenttcb/describestaticstore?access_token=$TOKEN" \\
       -d '{"env": "demo-1a2b3c4d5e6f7g8h"}'
  curl -s "$API/cgi-bin/component/api_component_token" -d '{"component_appid":
       "wx0000000000000001", "component_appsecret": "emulator-appsecret",
       "component_verify_ticket": "emulator-ticket"}'
""")

OTHERS = marked("""\
OTHER CALLS WITH A TOKEN; an empty body is refused, so send at least {}
  /componenttcb/describeenvs                the environments, in the order of their creation, with
                                            the condition and the alias that "envs" gave them
  /componenttcb/batchgetenvid               appids, source_type: the environments shared with them
  /cgi-bin/openapi/quota/get                cgi_path: today's calls of that path, and the limits
                                            that the quirks set; both are enforced
  /cgi-bin/openapi/rid/get                  rid: a refused call of the last seven days, with its
                                            real token and body, as WeChat shows it
  /cgi-bin/component/api_get_authorizer_list  component_appid, offset, count (at most 500): the
                                            accounts, which come by "appids" of "envs", by
                                            "accounts" and by right pushes

OTHER CALLS WITHOUT A TOKEN
  /cgi-bin/component/clear_quota/v2         component_appid, appsecret: call counters back to 0,
                                            10 times a month, then 48006
  /cgi-bin/component/api_start_push_ticket  component_appid, component_secret: "ok" if the newest
                                            ticket has expired or "pushing" is false: another is
                                            pushed at once (with nowhere to push to, the old one
                                            is good again); else "in a normal state"

TLS: with --tls-cert and --tls-key every address above is https; the certificate is yours to make
and the client's to trust (curl --cacert cert.pem)
""")

PUSHES = marked("""\
PUSHES (with --push-url URL, on loopback; needs the extra "callback")
  A new component_verify_ticket is pushed to URL at the start and then every --push-seconds of real
  time, signed with --push-token and encrypted with --push-aes-key; --set pushing=false stops it.
  URL should answer 200 and "success" within 5 seconds; a push that fails is not repeated. Either
  way the ticket is good for 12 hours, whatever comes after it. One more, at once:
  curl -X POST "$API/__emulator__/push" -d '{"variant": "plain"}'
  An account's authorization, which the list of accounts then shows or no longer shows:
  curl -X POST "$API/__emulator__/push" -d '{"kind": "authorized", "appid": "wxfake00000000000a"}'
  kind   {kinds}
  age    seconds since it happened: it arrives late, perhaps after a newer push; the accounts stay
  These variants are right, and what they say is true:
{right}
  These are not, and WeChat never gave their tickets; replay is the last push again:
{wrong}
""")

CONTROL = marked("""\
CONTROL PLANE (JSON over HTTP, on the API port)
  GET    /__emulator__/            this text
  GET    /__emulator__/state       addresses, token, counts, quirks
  GET    /__emulator__/journal     every request so far; ?name=put_object  ?key=static/a.css
  DELETE /__emulator__/journal
  GET    /__emulator__/objects     ?env=... (default: the first environment)
  PUT    /__emulator__/objects     ?key=static/a.css  the body, as the console stores it; also env
  DELETE /__emulator__/objects     ?key=static/a.css  as the console deletes it; also env
  POST   /__emulator__/faults      one fault or a list of them
  GET    /__emulator__/faults      what is scripted; spent ones have "times": 0
  DELETE /__emulator__/faults
  POST   /__emulator__/quirks      {"page_size": 2}
  POST   /__emulator__/clock       {"advance": 61}
  POST   /__emulator__/envs        {"env": "demo-2", "status": "online"}; condition, alias, appids
  POST   /__emulator__/accounts    {"appid": "wx...", "authorized": true}  without a push
  POST   /__emulator__/ticket      {"ticket": "..."}  as if WeChat had pushed a verify ticket
  POST   /__emulator__/push        {"variant": "plain"}  push now; also kind, appid, age: see PUSHES
  GET    /__emulator__/pushes      every push so far, and what it was answered
  POST   /__emulator__/expire-token   as if another system had refreshed the token
  POST   /__emulator__/reset       everything as at the start, ports stay open
""")

FAULTS = marked("""\
FAULTS: a fault is a JSON object; the first that matches a request and is not spent applies
  {"on": "put_object", "key": "static/*", "skip": 1, "times": 2, "do": "cos_error",
   "status": 503, "code": "SlowDown"}
  on     one of the calls below, connection (before any request), or * for all that the kind
         allows:
{calls}
  key    glob over the object key; env: environment id ("" for connections to the API port);
         both optional
  skip   matching requests that pass first (0); times: how often it applies (1, null: for ever)
  do     one of the kinds below; a parameter without a value is required
  apply  whether the request takes effect although its answer is another one
""")

QUIRKS = marked("""\
QUIRKS (--set name=value, --profile FILE, POST /__emulator__/quirks), with their defaults
""")


def manual() -> str:
    """Return the whole manual, in the language of the terminal."""
    parts = map(translate, (FLOW, OTHERS, PUSHES, CONTROL, FAULTS))
    kinds = "".join(f"  {n:<16} {text}\n{'':19}{sign}\n" for n, sign, text in describe_kinds())
    quirks = "".join(
        f"  {n} = {default!r}\n      {text}\n" for n, default, text in describe_quirks(translate)
    )
    wrong = [name for name in (*VARIANTS, REPLAY) if name not in RIGHT]
    lists = {"calls": ANY, "right": RIGHT, "wrong": wrong}
    names = {name: _listed(listed) for name, listed in lists.items()} | {"kinds": " ".join(KINDS)}
    text = "\n".join(parts) + kinds + "\n" + translate(QUIRKS) + quirks
    for name, listed in names.items():
        text = text.replace(f"{{{name}}}\n", f"{listed}\n")
    return text


def _listed(names: Iterable[str]) -> str:
    return textwrap.fill(" ".join(names), 96, initial_indent="    ", subsequent_indent="    ")
