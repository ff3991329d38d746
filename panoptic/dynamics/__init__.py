"""The orbital dynamics that could have brought a companion in."""
