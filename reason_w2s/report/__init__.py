"""What a run shows at its end: the HTML report and the console table."""
