"""The five checks, one module each: evidence in, a :class:`engine.validation.model.Check` out."""
