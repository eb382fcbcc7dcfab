"""What holds for every test of the workspace."""

from hypothesis import HealthCheck, settings

# A busy machine is no fault of the code: pytest-timeout bounds what hangs.
settings.register_profile("treaty", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("treaty")
