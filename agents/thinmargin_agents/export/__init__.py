"""Trained policies as ONNX files for programs without Python: python -m thinmargin_agents.export RUN.

One graph holds the network and everything between it and the environment, from the 32 observations to the action.
"""
