"""The five checks of what production did. Run as ``python -m engine.validation``; nothing heavy is imported here."""
