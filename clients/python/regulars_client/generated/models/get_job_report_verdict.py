from enum import StrEnum


class GetJobReportVerdict(StrEnum):
    CREATED = "created"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNCHANGED = "unchanged"
    UPDATED = "updated"

    def __str__(self) -> str:
        return str(self.value)
