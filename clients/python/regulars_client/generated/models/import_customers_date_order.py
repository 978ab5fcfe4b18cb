from enum import StrEnum


class ImportCustomersDateOrder(StrEnum):
    DMY = "dmy"
    MDY = "mdy"

    def __str__(self) -> str:
        return str(self.value)
