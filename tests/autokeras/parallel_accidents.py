"""Callbacks that do harm in worker processes; imported by name, there."""

from __future__ import annotations

import os
import signal

import keras


class Killer(keras.callbacks.Callback):
    """Kills the process that trains."""

    def on_train_begin(self, _logs=None):
        os.kill(os.getpid(), signal.SIGKILL)
