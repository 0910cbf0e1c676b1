"""What the models are worth: calibration, thresholds, scores, and how sure all of it is."""
