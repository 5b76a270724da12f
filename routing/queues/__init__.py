"""What configures routing: queues, skills, calendars, dispositions."""
