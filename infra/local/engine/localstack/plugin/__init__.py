"""Adds to LocalStack what its free edition lacks for this service. ../README.md says what that is."""
