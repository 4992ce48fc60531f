"""A token provider of the project's own, and a receiver of alerts."""

from wx_static_store.clients import TokenProvider
from wx_static_store.health.alerts import Alert, send_mail


class TokenService:
    """Hand out a token that something else refreshes."""

    def __init__(self) -> None:
        self.refused: set[str] = set()

    def get(self) -> str:
        return "token" if "token" not in self.refused else "newer-token"

    def invalidate(self, token: str) -> None:
        self.refused.add(token)


provider: TokenProvider = TokenService()


def alert(found: Alert) -> None:
    if found.title:
        send_mail(found)
