from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.customer_statistics_customers_by_city import (
        CustomerStatisticsCustomersByCity,
    )
    from ..models.customer_statistics_customers_by_country import (
        CustomerStatisticsCustomersByCountry,
    )
    from ..models.customer_statistics_gender_distribution import (
        CustomerStatisticsGenderDistribution,
    )


T = TypeVar("T", bound="CustomerStatistics")


@_attrs_define
class CustomerStatistics:
    """Figures about the customers within the caller's reach.

    Attributes:
        active_customers (int): Those that are active.
        average_customer_age (float | None): Mean of completed years, one decimal; null if no birth date is known.
        business_customers (int): Customers with a company name or a tax number.
        computed_at (datetime.datetime): When the figures were read.
        customers_by_city (CustomerStatisticsCustomersByCity): City to count, largest first, at most `top`.
        customers_by_country (CustomerStatisticsCustomersByCountry): Label to count, largest first, at most 250.
        gender_distribution (CustomerStatisticsGenderDistribution): male, female, other, and unspecified for those who
            did not say; the sum is the total.
        new_customers_this_month (int): Created since the first of the month.
        new_customers_this_week (int): Created since the start of the week.
        new_customers_today (int): Created since midnight in the deployment's time zone.
        total_customers (int): All customers.
        total_services (int): Completed services of all customers together.
        unknown_city (int): Customers without a city.
        unknown_country (int): Customers without a country.
        verified_customers (int): Those that are verified, active or not.
    """

    active_customers: int
    average_customer_age: float | None
    business_customers: int
    computed_at: datetime.datetime
    customers_by_city: CustomerStatisticsCustomersByCity
    customers_by_country: CustomerStatisticsCustomersByCountry
    gender_distribution: CustomerStatisticsGenderDistribution
    new_customers_this_month: int
    new_customers_this_week: int
    new_customers_today: int
    total_customers: int
    total_services: int
    unknown_city: int
    unknown_country: int
    verified_customers: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        active_customers = self.active_customers

        average_customer_age: float | None
        average_customer_age = self.average_customer_age

        business_customers = self.business_customers

        computed_at = self.computed_at.isoformat()

        customers_by_city = self.customers_by_city.to_dict()

        customers_by_country = self.customers_by_country.to_dict()

        gender_distribution = self.gender_distribution.to_dict()

        new_customers_this_month = self.new_customers_this_month

        new_customers_this_week = self.new_customers_this_week

        new_customers_today = self.new_customers_today

        total_customers = self.total_customers

        total_services = self.total_services

        unknown_city = self.unknown_city

        unknown_country = self.unknown_country

        verified_customers = self.verified_customers

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "active_customers": active_customers,
                "average_customer_age": average_customer_age,
                "business_customers": business_customers,
                "computed_at": computed_at,
                "customers_by_city": customers_by_city,
                "customers_by_country": customers_by_country,
                "gender_distribution": gender_distribution,
                "new_customers_this_month": new_customers_this_month,
                "new_customers_this_week": new_customers_this_week,
                "new_customers_today": new_customers_today,
                "total_customers": total_customers,
                "total_services": total_services,
                "unknown_city": unknown_city,
                "unknown_country": unknown_country,
                "verified_customers": verified_customers,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.customer_statistics_customers_by_city import (
            CustomerStatisticsCustomersByCity,  # noqa: PLC0415
        )
        from ..models.customer_statistics_customers_by_country import (
            CustomerStatisticsCustomersByCountry,  # noqa: PLC0415
        )
        from ..models.customer_statistics_gender_distribution import (
            CustomerStatisticsGenderDistribution,  # noqa: PLC0415
        )

        d = dict(src_dict)
        active_customers = d.pop("active_customers")

        def _parse_average_customer_age(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        average_customer_age = _parse_average_customer_age(d.pop("average_customer_age"))

        business_customers = d.pop("business_customers")

        computed_at = datetime.datetime.fromisoformat(d.pop("computed_at"))

        customers_by_city = CustomerStatisticsCustomersByCity.from_dict(d.pop("customers_by_city"))

        customers_by_country = CustomerStatisticsCustomersByCountry.from_dict(d.pop("customers_by_country"))

        gender_distribution = CustomerStatisticsGenderDistribution.from_dict(d.pop("gender_distribution"))

        new_customers_this_month = d.pop("new_customers_this_month")

        new_customers_this_week = d.pop("new_customers_this_week")

        new_customers_today = d.pop("new_customers_today")

        total_customers = d.pop("total_customers")

        total_services = d.pop("total_services")

        unknown_city = d.pop("unknown_city")

        unknown_country = d.pop("unknown_country")

        verified_customers = d.pop("verified_customers")

        customer_statistics = cls(
            active_customers=active_customers,
            average_customer_age=average_customer_age,
            business_customers=business_customers,
            computed_at=computed_at,
            customers_by_city=customers_by_city,
            customers_by_country=customers_by_country,
            gender_distribution=gender_distribution,
            new_customers_this_month=new_customers_this_month,
            new_customers_this_week=new_customers_this_week,
            new_customers_today=new_customers_today,
            total_customers=total_customers,
            total_services=total_services,
            unknown_city=unknown_city,
            unknown_country=unknown_country,
            verified_customers=verified_customers,
        )

        customer_statistics.additional_properties = d
        return customer_statistics

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
