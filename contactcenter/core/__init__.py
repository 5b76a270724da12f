"""The ground that every room stands on: time, ids, errors, the event log, the two borders."""
