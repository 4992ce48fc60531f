"""Why a push is not accepted."""


class Refusal(Exception):
    """
    The one exception of everything that reads what a stranger sent.

    `reason` is a word for the log, `status` the answer: nothing of the content is kept.
    """

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
