"""What would cost a whole run, found in seconds and before it starts."""
