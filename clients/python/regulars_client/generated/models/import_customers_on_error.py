from enum import StrEnum


class ImportCustomersOnError(StrEnum):
    SKIP = "skip"
    STOP = "stop"

    def __str__(self) -> str:
        return str(self.value)
