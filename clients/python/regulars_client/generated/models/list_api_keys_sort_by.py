from enum import StrEnum


class ListApiKeysSortBy(StrEnum):
    CREATED_AT = "created_at"
    ID = "id"

    def __str__(self) -> str:
        return str(self.value)
