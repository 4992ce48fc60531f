"""WeChat's open platform, Tencent COS and the hosted site, emulated on loopback.

Written from the documents, not from the client beside it: a second opinion. Standard library only;
to push tickets, it needs cryptography.
"""

from .server import EmulatorServer

__all__ = ["EmulatorServer"]
