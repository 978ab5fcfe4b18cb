from enum import StrEnum


class PhoneStatus(StrEnum):
    POSSIBLE = "possible"
    UNPARSED = "unparsed"
    VALID = "valid"

    def __str__(self) -> str:
        return str(self.value)
