"""The fixtures of the API: its clients, and the emulator behind it."""

from tests.api.conftest import client, client_of, cloud

__all__ = ["client", "client_of", "cloud"]
