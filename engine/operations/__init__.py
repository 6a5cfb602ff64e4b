"""Operations: cutover, rollback, rehearsal and validation, planned, journalled step by step, and resumed or undone."""
