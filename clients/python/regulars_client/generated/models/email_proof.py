from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="EmailProof")


@_attrs_define
class EmailProof:
    """
    Attributes:
        token (str):
        keep_password (bool | None | Unset): Needs a password unless the request carries an access token of the same
            user: the account's own, or a new one, which replaces it. With `keep_password` another one than the account's is
            401.
        password (None | str | Unset):
        password1 (None | str | Unset): Another spelling of `password`.
        password2 (None | str | Unset): Another spelling of `password`.
    """

    token: str
    keep_password: bool | None | Unset = UNSET
    password: None | str | Unset = UNSET
    password1: None | str | Unset = UNSET
    password2: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        token = self.token

        keep_password: bool | None | Unset
        if isinstance(self.keep_password, Unset):
            keep_password = UNSET
        else:
            keep_password = self.keep_password

        password: None | str | Unset
        if isinstance(self.password, Unset):
            password = UNSET
        else:
            password = self.password

        password1: None | str | Unset
        if isinstance(self.password1, Unset):
            password1 = UNSET
        else:
            password1 = self.password1

        password2: None | str | Unset
        if isinstance(self.password2, Unset):
            password2 = UNSET
        else:
            password2 = self.password2

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "token": token,
            }
        )
        if keep_password is not UNSET:
            field_dict["keep_password"] = keep_password
        if password is not UNSET:
            field_dict["password"] = password
        if password1 is not UNSET:
            field_dict["password1"] = password1
        if password2 is not UNSET:
            field_dict["password2"] = password2

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        token = d.pop("token")

        def _parse_keep_password(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        keep_password = _parse_keep_password(d.pop("keep_password", UNSET))

        def _parse_password(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        password = _parse_password(d.pop("password", UNSET))

        def _parse_password1(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        password1 = _parse_password1(d.pop("password1", UNSET))

        def _parse_password2(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        password2 = _parse_password2(d.pop("password2", UNSET))

        email_proof = cls(
            token=token,
            keep_password=keep_password,
            password=password,
            password1=password1,
            password2=password2,
        )

        return email_proof
