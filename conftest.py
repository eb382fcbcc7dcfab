"""What holds for every test of the workspace."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

# A busy machine is no fault of the code: pytest-timeout bounds what hangs. The examples are the same in every
# run, so that a run tells of the change it was made for; `--hypothesis-profile=search` looks for others.
settings.register_profile(
    "treaty", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "search",
    deadline=None,
    derandomize=False,
    max_examples=2_000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("treaty")


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command run within a test sends the process's logs to the test's standard error, which is closed when
    the next one logs."""
    chosen = structlog.get_config()
    yield
    structlog.configure(**chosen)
