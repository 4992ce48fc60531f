"""Files that say what was done with them."""

import io


class CountingFile(io.BytesIO):
    """A file that counts how many of its bytes were read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self.taken += len(block)
        return block
