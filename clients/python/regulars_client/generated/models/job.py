from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.job_kind import JobKind
from ..models.job_state import JobState
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.import_column import ImportColumn
    from ..models.job_error import JobError
    from ..models.job_progress import JobProgress


T = TypeVar("T", bound="Job")


@_attrs_define
class Job:
    """Long work that somebody asked for.

    Attributes:
        created_at (datetime.datetime): When it was asked for.
        dry_run (bool): Does it only say what would be done?
        error (JobError | None):
        finished_at (datetime.datetime | None): When it ended.
        id (UUID): Its id.
        kind (JobKind):
        progress (JobProgress): How far a job is: processed = created + updated + unchanged + skipped + duplicate +
            failed.
        report (str): One line per row: `?format=csv` or `ndjson`, `&verdict=failed`. Example:
            /api/v1/jobs/019cb0a4-7d10-7c3a-8f4e-5b1c2d3e4f50/report.
        requested_by (str): Who asked for it.
        started_at (datetime.datetime | None): When the work began.
        state (JobState):
        updated_at (datetime.datetime): The latest progress.
        columns (list[ImportColumn] | Unset): Of the table that is imported: what became of each column.
    """

    created_at: datetime.datetime
    dry_run: bool
    error: JobError | None
    finished_at: datetime.datetime | None
    id: UUID
    kind: JobKind
    progress: JobProgress
    report: str
    requested_by: str
    started_at: datetime.datetime | None
    state: JobState
    updated_at: datetime.datetime
    columns: list[ImportColumn] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.job_error import JobError  # noqa: PLC0415

        created_at = self.created_at.isoformat()

        dry_run = self.dry_run

        error: dict[str, Any] | None
        if isinstance(self.error, JobError):
            error = self.error.to_dict()
        else:
            error = self.error

        finished_at: None | str
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        id = str(self.id)

        kind = self.kind.value

        progress = self.progress.to_dict()

        report = self.report

        requested_by = self.requested_by

        started_at: None | str
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        state = self.state.value

        updated_at = self.updated_at.isoformat()

        columns: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.columns, Unset):
            columns = []
            for columns_item_data in self.columns:
                columns_item = columns_item_data.to_dict()
                columns.append(columns_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "created_at": created_at,
                "dry_run": dry_run,
                "error": error,
                "finished_at": finished_at,
                "id": id,
                "kind": kind,
                "progress": progress,
                "report": report,
                "requested_by": requested_by,
                "started_at": started_at,
                "state": state,
                "updated_at": updated_at,
            }
        )
        if columns is not UNSET:
            field_dict["columns"] = columns

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.import_column import ImportColumn  # noqa: PLC0415
        from ..models.job_error import JobError  # noqa: PLC0415
        from ..models.job_progress import JobProgress  # noqa: PLC0415

        d = dict(src_dict)
        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        dry_run = d.pop("dry_run")

        def _parse_error(data: object) -> JobError | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = JobError.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(JobError | None, data)

        error = _parse_error(d.pop("error"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        id = UUID(d.pop("id"))

        kind = JobKind(d.pop("kind"))

        progress = JobProgress.from_dict(d.pop("progress"))

        report = d.pop("report")

        requested_by = d.pop("requested_by")

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        started_at = _parse_started_at(d.pop("started_at"))

        state = JobState(d.pop("state"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        _columns = d.pop("columns", UNSET)
        columns: list[ImportColumn] | Unset = UNSET
        if _columns is not UNSET:
            columns = []
            for columns_item_data in _columns:
                columns_item = ImportColumn.from_dict(columns_item_data)

                columns.append(columns_item)

        job = cls(
            created_at=created_at,
            dry_run=dry_run,
            error=error,
            finished_at=finished_at,
            id=id,
            kind=kind,
            progress=progress,
            report=report,
            requested_by=requested_by,
            started_at=started_at,
            state=state,
            updated_at=updated_at,
            columns=columns,
        )

        job.additional_properties = d
        return job

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
