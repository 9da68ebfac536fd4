"""The customer portal: project package and the portal's own domain."""

__version__ = "0.1.0"
