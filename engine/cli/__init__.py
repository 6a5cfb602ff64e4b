"""The command line: one module per command; everything the console does can be done here too."""
