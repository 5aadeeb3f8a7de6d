"""A run's records for others: JSONL, Parquet and TRL's columns, with a card of their origin."""
