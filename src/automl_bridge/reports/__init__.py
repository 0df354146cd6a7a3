"""What people read: one model of what is said about a run, laid out for a terminal, for plain lines and as HTML."""
