"""The forms of files with records in them, each told once: who replays, trains or predicts reads
them here."""
