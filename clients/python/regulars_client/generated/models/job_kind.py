from enum import StrEnum


class JobKind(StrEnum):
    BULK_UPDATE = "bulk_update"
    IMPORT = "import"

    def __str__(self) -> str:
        return str(self.value)
