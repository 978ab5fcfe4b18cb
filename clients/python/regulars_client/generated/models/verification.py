from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Verification")


@_attrs_define
class Verification:
    """
    Attributes:
        is_verified (bool | Unset):
    """

    is_verified: bool | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        is_verified = self.is_verified

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if is_verified is not UNSET:
            field_dict["is_verified"] = is_verified

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        is_verified = d.pop("is_verified", UNSET)

        verification = cls(
            is_verified=is_verified,
        )

        return verification
