"""The screens: the dashboard, one view for each number key, and what opens over them."""
