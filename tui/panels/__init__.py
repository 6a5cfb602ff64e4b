"""Pure drawings of the state: each takes a State, a size and a Look, and gives lines of exact width."""
