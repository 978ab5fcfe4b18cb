from enum import StrEnum


class CustomerSearchTagsMatchType3Type1(StrEnum):
    ALL = "all"
    ANY = "any"

    def __str__(self) -> str:
        return str(self.value)
