"""What browsers see while it happens: sockets, rooms, snapshots, and the log turned into events."""
