"""What happened, how much waits and how fast it moves: functions that only read."""
