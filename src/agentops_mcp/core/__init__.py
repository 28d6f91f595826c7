"""What everything shares: errors, time, ids, records, redaction, token counts."""
