"""Write one entry of *Something does not work*: what happened, why, what to do."""

from collections.abc import Sequence

from wx_static_store.exceptions import Remedy, WxStaticStoreError

from . import fields, here, plain, section

REMEDIES = {
    Remedy.GIVE_UP: ("gives up", "放弃"),
    Remedy.WAIT: ("waits, then tries again", "等待后重试"),
    Remedy.NEW_TOKEN: ("tries again with a new token", "获取新令牌后重试"),
    Remedy.NEW_LINK: ("tries again with a new link", "获取新链接后重试"),
}


def entry(
    title: str,
    anchor: str,
    happened: str,
    why: str,
    do: str,
    error: WxStaticStoreError | None = None,
    *,
    kind: str = "",
    steps: Sequence[str] = (),
) -> str:
    """Return the section; `error` is what an upload makes of it, `kind` the class to look up."""
    name = f":ref:`{kind} <exception-{kind.lower()}>`" if kind else ""
    return section(
        title,
        fields(
            (here("What happened", "发生了什么"), happened),
            (here("Why", "原因"), why),
            (here("What to do", "处理办法"), do),
            (here("Step by step", "步骤"), "".join(f"\n   #. {step}" for step in steps)),
            (here("The upload", "本应用的做法"), _action(error) if error else ""),
            (here("Exception", "异常"), name),
        ),
        anchor=anchor,
        mark="-",
    )


def hint_of(error: WxStaticStoreError) -> str:
    return plain(error.hint)


def _action(error: WxStaticStoreError) -> str:
    text = here(*REMEDIES[error.remedy])
    if error.once:
        text += here(", once", "，仅一次")
    if error.stops_batch:
        text += here("; the other files are not tried", "；不再尝试其他文件")
    return text
