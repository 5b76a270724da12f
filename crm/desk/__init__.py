"""What the CRM knows of whoever calls or writes: who it is, and how that changes the routing."""
