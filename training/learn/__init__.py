"""Everything that has weights and learns: the encoder, the teacher, the student, the reflex."""
