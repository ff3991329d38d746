"""Files, summary, report and log: layout, no astronomy."""
