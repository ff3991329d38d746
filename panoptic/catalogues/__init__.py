"""What each outside catalogue is, where it comes from and what it says."""
