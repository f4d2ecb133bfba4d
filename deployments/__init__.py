"""What runs the flows: server, worker, schedules, and what an operator needs when one of them breaks."""
