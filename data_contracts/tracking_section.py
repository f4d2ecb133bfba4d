"""``[tracking]`` of a dataset file: a tracking server that is told the figures of every run."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from data_contracts.column_sections import Section


class TrackingSection(Section):
    """``[tracking]``: where the figures of each run are written to.

    Credentials come from the environment: ``MLFLOW_TRACKING_USERNAME`` and ``MLFLOW_TRACKING_PASSWORD``, or ``MLFLOW_TRACKING_TOKEN``.
    """

    mlflow_uri: str | None = None
    """Address of an MLflow tracking server, ``https://mlflow.example.org``; nothing is written if absent."""
    experiment: str | None = Field(default=None, min_length=1, max_length=250)
    """Name of the experiment that runs are written to; the dataset's if absent."""

    @field_validator("mlflow_uri")
    @classmethod
    def _is_an_address(cls, given: str | None) -> str | None:
        """Refuse what is no web address, or says a secret."""
        if given is None:
            return None
        url = urlsplit(given)
        if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
            raise ValueError("mlflow_uri is no address of a server; write https://mlflow.example.org")
        if "@" in url.netloc:
            raise ValueError(
                "mlflow_uri holds a user or password; put them into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            )
        return given.rstrip("/")
