"""Tables: pure functions from what was judged to cells of text, and those to HTML."""
