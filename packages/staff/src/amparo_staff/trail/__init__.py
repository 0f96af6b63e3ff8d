"""The audit trail of the staff: hash-chained, no personal data."""
