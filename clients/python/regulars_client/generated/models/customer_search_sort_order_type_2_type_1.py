from enum import StrEnum


class CustomerSearchSortOrderType2Type1(StrEnum):
    ASC = "asc"
    DESC = "desc"

    def __str__(self) -> str:
        return str(self.value)
