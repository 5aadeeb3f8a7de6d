"""Grading a file of responses: `reason-w2s check`."""
