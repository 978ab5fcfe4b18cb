from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.field_error import FieldError


T = TypeVar("T", bound="Problem")


@_attrs_define
class Problem:
    """A failure as a client sees it (RFC 9457). Some have further members, such as `current_version`.

    Attributes:
        detail (str): A sentence for people that says what to do. Example: Customer with this email already exists.
        error_code (str): Stable code for programs. Example: CUSTOMER_EMAIL_EXISTS.
        request_id (str): The id in `X-Request-Id`: quote it when asking for help.
        status (int): The HTTP status. Example: 409.
        timestamp (datetime.datetime): When it happened.
        title (str): The kind of problem in a few words. Example: Customer email exists.
        type_ (str): Identifies the kind of problem; the same for every occurrence. Example:
            urn:regulars:error:customer-email-exists.
        errors (list[FieldError] | Unset): Every error of a body that was readable but invalid.
    """

    detail: str
    error_code: str
    request_id: str
    status: int
    timestamp: datetime.datetime
    title: str
    type_: str
    errors: list[FieldError] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        detail = self.detail

        error_code = self.error_code

        request_id = self.request_id

        status = self.status

        timestamp = self.timestamp.isoformat()

        title = self.title

        type_ = self.type_

        errors: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.errors, Unset):
            errors = []
            for errors_item_data in self.errors:
                errors_item = errors_item_data.to_dict()
                errors.append(errors_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "detail": detail,
                "error_code": error_code,
                "request_id": request_id,
                "status": status,
                "timestamp": timestamp,
                "title": title,
                "type": type_,
            }
        )
        if errors is not UNSET:
            field_dict["errors"] = errors

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.field_error import FieldError  # noqa: PLC0415

        d = dict(src_dict)
        detail = d.pop("detail")

        error_code = d.pop("error_code")

        request_id = d.pop("request_id")

        status = d.pop("status")

        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

        title = d.pop("title")

        type_ = d.pop("type")

        _errors = d.pop("errors", UNSET)
        errors: list[FieldError] | Unset = UNSET
        if _errors is not UNSET:
            errors = []
            for errors_item_data in _errors:
                errors_item = FieldError.from_dict(errors_item_data)

                errors.append(errors_item)

        problem = cls(
            detail=detail,
            error_code=error_code,
            request_id=request_id,
            status=status,
            timestamp=timestamp,
            title=title,
            type_=type_,
            errors=errors,
        )

        problem.additional_properties = d
        return problem

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
