"""What each audience sees, as pure functions of the day's state and of now."""
