from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.place_type_1 import PlaceType1


T = TypeVar("T", bound="CityList")


@_attrs_define
class CityList:
    """The cities with customers, by name.

    Attributes:
        cities (list[PlaceType1 | str]): As the first customer spelled it.
    """

    cities: list[PlaceType1 | str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.place_type_1 import PlaceType1  # noqa: PLC0415

        cities = []
        for cities_item_data in self.cities:
            cities_item: dict[str, Any] | str
            if isinstance(cities_item_data, PlaceType1):
                cities_item = cities_item_data.to_dict()
            else:
                cities_item = cities_item_data
            cities.append(cities_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "cities": cities,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.place_type_1 import PlaceType1  # noqa: PLC0415

        d = dict(src_dict)
        cities = []
        _cities = d.pop("cities")
        for cities_item_data in _cities:

            def _parse_cities_item(data: object) -> PlaceType1 | str:
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_place_type_1 = PlaceType1.from_dict(data)

                    return componentsschemas_place_type_1
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                return cast(PlaceType1 | str, data)

            cities_item = _parse_cities_item(cities_item_data)

            cities.append(cities_item)

        city_list = cls(
            cities=cities,
        )

        city_list.additional_properties = d
        return city_list

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
