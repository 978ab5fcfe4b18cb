from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.customer_bulk_change import CustomerBulkChange
    from ..models.customer_bulk_update_filter_type_0 import CustomerBulkUpdateFilterType0


T = TypeVar("T", bound="CustomerBulkUpdate")


@_attrs_define
class CustomerBulkUpdate:
    """
    Attributes:
        updates (CustomerBulkChange):
        all_ (bool | Unset): Must be true to mean everybody, that is, an empty `filter` or none.
        customer_ids (list[str] | None | Unset): UUIDs or `CUST_…`, 1 to 1000: updated in one transaction. Either these
            or `filter`.
        dry_run (bool | Unset): Only counts whom the filter finds.
        filter_ (CustomerBulkUpdateFilterType0 | None | Unset): The filters of the list of customers, such as `{"tag":
            "vip", "country": "US"}`: updated by a job.
    """

    updates: CustomerBulkChange
    all_: bool | Unset = UNSET
    customer_ids: list[str] | None | Unset = UNSET
    dry_run: bool | Unset = UNSET
    filter_: CustomerBulkUpdateFilterType0 | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.customer_bulk_update_filter_type_0 import (
            CustomerBulkUpdateFilterType0,  # noqa: PLC0415
        )

        updates = self.updates.to_dict()

        all_ = self.all_

        customer_ids: list[str] | None | Unset
        if isinstance(self.customer_ids, Unset):
            customer_ids = UNSET
        elif isinstance(self.customer_ids, list):
            customer_ids = self.customer_ids

        else:
            customer_ids = self.customer_ids

        dry_run = self.dry_run

        filter_: dict[str, Any] | None | Unset
        if isinstance(self.filter_, Unset):
            filter_ = UNSET
        elif isinstance(self.filter_, CustomerBulkUpdateFilterType0):
            filter_ = self.filter_.to_dict()
        else:
            filter_ = self.filter_

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "updates": updates,
            }
        )
        if all_ is not UNSET:
            field_dict["all"] = all_
        if customer_ids is not UNSET:
            field_dict["customer_ids"] = customer_ids
        if dry_run is not UNSET:
            field_dict["dry_run"] = dry_run
        if filter_ is not UNSET:
            field_dict["filter"] = filter_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.customer_bulk_change import CustomerBulkChange  # noqa: PLC0415
        from ..models.customer_bulk_update_filter_type_0 import (
            CustomerBulkUpdateFilterType0,  # noqa: PLC0415
        )

        d = dict(src_dict)
        updates = CustomerBulkChange.from_dict(d.pop("updates"))

        all_ = d.pop("all", UNSET)

        def _parse_customer_ids(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                customer_ids_type_0 = cast(list[str], data)

                return customer_ids_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | Unset, data)

        customer_ids = _parse_customer_ids(d.pop("customer_ids", UNSET))

        dry_run = d.pop("dry_run", UNSET)

        def _parse_filter_(data: object) -> CustomerBulkUpdateFilterType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                filter_type_0 = CustomerBulkUpdateFilterType0.from_dict(data)

                return filter_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(CustomerBulkUpdateFilterType0 | None | Unset, data)

        filter_ = _parse_filter_(d.pop("filter", UNSET))

        customer_bulk_update = cls(
            updates=updates,
            all_=all_,
            customer_ids=customer_ids,
            dry_run=dry_run,
            filter_=filter_,
        )

        return customer_bulk_update
