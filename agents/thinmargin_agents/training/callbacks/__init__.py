"""What happens beside learning: TensorBoard, validation, checkpoints, progress."""
