from enum import StrEnum


class ImportCustomersUnknown(StrEnum):
    IGNORE = "ignore"
    METADATA = "metadata"
    REFUSE = "refuse"

    def __str__(self) -> str:
        return str(self.value)
