"""What a station refuses, and how it says so."""

from starlette.responses import JSONResponse


class RefusalError(Exception):
    """A request that the station answers with an error."""

    status = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class QueryError(RefusalError):
    """A query option that is malformed, or names what the service does not have."""


class MissingError(RefusalError):
    """No such product, or no longer."""

    status = 404


def error_body(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An OData error answer."""
    return JSONResponse({"error": {"code": str(status), "message": message}}, status, headers)
