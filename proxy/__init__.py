"""The THRON Download Connector: plain, permanent public URLs for the contents of a THRON folder."""

__version__ = "0.1.0"
