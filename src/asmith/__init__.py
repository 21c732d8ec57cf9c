"""asmith builds programs from specs, as machine code, under enforced contracts."""

__version__ = "0.1.0"
