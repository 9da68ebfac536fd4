"""The customer portal: project package and the portal's own domain."""
