"""Formulas: parsed, computed, brought to a normal form, compared."""
