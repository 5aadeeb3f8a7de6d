"""Processes that work for the checker and can be killed."""
