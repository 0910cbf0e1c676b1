"""From files to the rows that every other step reads: cleaned, split, with a vocabulary."""
