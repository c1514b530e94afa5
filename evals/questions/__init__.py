"""A person's own questions: a CSV or JSONL file, and the rules by which answers are right."""
