"""What goes out to the terminal: only the cells that differ from those that stand there."""
