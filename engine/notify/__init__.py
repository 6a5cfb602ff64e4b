"""Telling people: messages, the channels they take, and the threads that carry them. Nothing here decides anything."""
