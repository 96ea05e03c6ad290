"""Records in layouts that are common elsewhere, with values whose right answers are known."""
