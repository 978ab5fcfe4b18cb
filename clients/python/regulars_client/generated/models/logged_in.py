from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.token_pair import TokenPair
    from ..models.user import User


T = TypeVar("T", bound="LoggedIn")


@_attrs_define
class LoggedIn:
    """What a login gives.

    Attributes:
        device_token (str): Makes this device known for 180 days: send it with the next login of the same user, and
            nobody who guesses at the
            account from elsewhere makes you wait. Each login gives a new one.
        has_profile (bool): Is there a customer profile? Without one, `POST /api/v1/customers/profile/create/` makes it.
        tokens (TokenPair): A pair of tokens.
        user (User): A user, as it reads itself and as staff read it.
    """

    device_token: str
    has_profile: bool
    tokens: TokenPair
    user: User
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        device_token = self.device_token

        has_profile = self.has_profile

        tokens = self.tokens.to_dict()

        user = self.user.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "device_token": device_token,
                "has_profile": has_profile,
                "tokens": tokens,
                "user": user,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.token_pair import TokenPair  # noqa: PLC0415
        from ..models.user import User  # noqa: PLC0415

        d = dict(src_dict)
        device_token = d.pop("device_token")

        has_profile = d.pop("has_profile")

        tokens = TokenPair.from_dict(d.pop("tokens"))

        user = User.from_dict(d.pop("user"))

        logged_in = cls(
            device_token=device_token,
            has_profile=has_profile,
            tokens=tokens,
            user=user,
        )

        logged_in.additional_properties = d
        return logged_in

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
