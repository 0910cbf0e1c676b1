"""What is decided about a message. Pure but for the model session in `router.engine`."""
