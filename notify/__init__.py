"""What reaches people outside the hall: their contact data and, later, reminders and notices."""
