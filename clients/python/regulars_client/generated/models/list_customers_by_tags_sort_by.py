from enum import StrEnum


class ListCustomersByTagsSortBy(StrEnum):
    CITY = "city"
    COUNTRY = "country"
    CREATED_AT = "created_at"
    CUSTOMER_ID = "customer_id"
    CUSTOMER_SINCE = "customer_since"
    DATE_OF_BIRTH = "date_of_birth"
    EMAIL = "email"
    FIRST_NAME = "first_name"
    ID = "id"
    LAST_LOGIN_AT = "last_login_at"
    LAST_NAME = "last_name"
    LAST_SERVICE_DATE = "last_service_date"
    STATE = "state"
    TOTAL_SERVICES = "total_services"
    UPDATED_AT = "updated_at"
    USERNAME = "username"

    def __str__(self) -> str:
        return str(self.value)
