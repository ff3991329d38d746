"""One room per family of figures."""
