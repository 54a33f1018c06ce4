"""HTTP semantics as pure functions: no I/O, no clock, no aiohttp."""
