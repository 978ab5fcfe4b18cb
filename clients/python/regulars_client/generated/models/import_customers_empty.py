from enum import StrEnum


class ImportCustomersEmpty(StrEnum):
    CLEAR = "clear"
    KEEP = "keep"

    def __str__(self) -> str:
        return str(self.value)
