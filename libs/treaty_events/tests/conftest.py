from hypothesis import settings

# A busy machine is no fault of the code: pytest-timeout bounds what hangs.
settings.register_profile("treaty", deadline=None)
settings.load_profile("treaty")
