"""Tests of schemas.files."""
