"""What every test shares. Tests run their own loop with asyncio.run; nothing heavy is made here."""

from hypothesis import settings

settings.register_profile("crmsync", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("crmsync")
