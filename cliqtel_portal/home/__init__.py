"""The first page after signing in. It looks into every app: part of the composition root."""
