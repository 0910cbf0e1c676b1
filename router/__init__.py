"""What is decided about a message. Pure, except the model session in `router.engine`."""
