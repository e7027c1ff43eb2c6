"""bracketd: an order management system whose word is true, with a paper exchange inside."""

__version__ = "0.1.0"
