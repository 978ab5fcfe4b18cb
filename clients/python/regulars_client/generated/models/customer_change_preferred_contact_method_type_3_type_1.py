from enum import StrEnum


class CustomerChangePreferredContactMethodType3Type1(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    SMS = "sms"

    def __str__(self) -> str:
        return str(self.value)
