"""What reaches people outside the hall: contact data, reminders, notices, and what other systems hear."""
