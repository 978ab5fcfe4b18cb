from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="JobProgress")


@_attrs_define
class JobProgress:
    """How far a job is: processed = created + updated + unchanged + skipped + duplicate + failed.

    Attributes:
        created (int): New customers.
        duplicate (int): Rows that mean the same customer as one before.
        failed (int): Rows refused.
        percent (int | None): 0 to 100; 100 only at the end.
        processed (int): Rows that have a verdict.
        skipped (int): Rows left out on purpose, such as customers erased meanwhile.
        total (int | None): Rows in all, once that is known.
        unchanged (int): Rows that say what is stored.
        updated (int): Changed ones.
    """

    created: int
    duplicate: int
    failed: int
    percent: int | None
    processed: int
    skipped: int
    total: int | None
    unchanged: int
    updated: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        created = self.created

        duplicate = self.duplicate

        failed = self.failed

        percent: int | None
        percent = self.percent

        processed = self.processed

        skipped = self.skipped

        total: int | None
        total = self.total

        unchanged = self.unchanged

        updated = self.updated

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "created": created,
                "duplicate": duplicate,
                "failed": failed,
                "percent": percent,
                "processed": processed,
                "skipped": skipped,
                "total": total,
                "unchanged": unchanged,
                "updated": updated,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        created = d.pop("created")

        duplicate = d.pop("duplicate")

        failed = d.pop("failed")

        def _parse_percent(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        percent = _parse_percent(d.pop("percent"))

        processed = d.pop("processed")

        skipped = d.pop("skipped")

        def _parse_total(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        total = _parse_total(d.pop("total"))

        unchanged = d.pop("unchanged")

        updated = d.pop("updated")

        job_progress = cls(
            created=created,
            duplicate=duplicate,
            failed=failed,
            percent=percent,
            processed=processed,
            skipped=skipped,
            total=total,
            unchanged=unchanged,
            updated=updated,
        )

        job_progress.additional_properties = d
        return job_progress

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
