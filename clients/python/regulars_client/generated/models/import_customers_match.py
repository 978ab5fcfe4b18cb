from enum import StrEnum


class ImportCustomersMatch(StrEnum):
    CUSTOMER_ID = "customer_id"
    EMAIL = "email"
    EXTERNAL_ID = "external_id"
    PHONE = "phone"

    def __str__(self) -> str:
        return str(self.value)
