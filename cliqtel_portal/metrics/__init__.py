"""`/metrics`: what Prometheus asks each web process. Names and labels are a promise."""
