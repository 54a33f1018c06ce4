"""Properties of pure rules: judged by what holds, never by how long it took."""

from hypothesis import settings

settings.register_profile("semantics", deadline=None)
settings.load_profile("semantics")
