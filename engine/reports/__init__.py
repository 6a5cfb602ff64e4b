"""Reports for people who sign: what the records say of one stretch, as Markdown and as one self-contained HTML file."""
