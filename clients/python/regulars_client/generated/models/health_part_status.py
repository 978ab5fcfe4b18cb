from enum import StrEnum


class HealthPartStatus(StrEnum):
    HEALTHY = "healthy"
    NOT_CONFIGURED = "not configured"
    UNHEALTHY = "unhealthy"

    def __str__(self) -> str:
        return str(self.value)
