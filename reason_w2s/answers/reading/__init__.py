"""What an answer says: numbers, units, lists, relations."""
