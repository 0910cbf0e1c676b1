"""Kills, stops and restarts everything under load, then counts what was lost or doubled."""
