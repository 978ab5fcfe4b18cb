from enum import StrEnum


class CustomerSearchTagsMatchType2Type1(StrEnum):
    ALL = "all"
    ANY = "any"

    def __str__(self) -> str:
        return str(self.value)
