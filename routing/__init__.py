"""Which waiting interaction is offered to which agent, and why."""
