"""What an installation needs done once before its services run. Every job is safe to run twice."""
