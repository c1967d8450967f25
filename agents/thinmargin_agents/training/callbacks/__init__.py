"""The callbacks of a training: TensorBoard, validation, checkpoints, progress."""
