"""Sheets: the facts before something irreversible, and the small forms of the watch. Pure drawings and rules."""
