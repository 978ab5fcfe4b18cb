from enum import StrEnum


class ListJobsState(StrEnum):
    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"
    REVERTED = "reverted"
    REVERTING = "reverting"
    RUNNING = "running"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
