from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define

T = TypeVar("T", bound="ProfileQuestion")


@_attrs_define
class ProfileQuestion:
    """
    Attributes:
        user_id (int | UUID): The user's UUID, or the number it had before a migration.
    """

    user_id: int | UUID

    def to_dict(self) -> dict[str, Any]:
        user_id: int | str
        if isinstance(self.user_id, UUID):
            user_id = str(self.user_id)
        else:
            user_id = self.user_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_id": user_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_user_id(data: object) -> int | UUID:
            try:
                if not isinstance(data, str):
                    raise TypeError()
                user_id_type_0 = UUID(data)

                return user_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(int | UUID, data)

        user_id = _parse_user_id(d.pop("user_id"))

        profile_question = cls(
            user_id=user_id,
        )

        return profile_question
