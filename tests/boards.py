"""Folders of TensorBoard's events, read as TensorBoard itself reads them."""

from __future__ import annotations

import json
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import grpc
import pytest
from tensorboard import context
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.data import grpc_provider, server_ingester
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.image import metadata as images
from tensorboard.plugins.scalar import metadata as scalars
from tensorboard.util import grpc_util
from tests.waiting import wait_until

Loader = Literal["python", "data server"]
"""With --load_fast=false, or where there is no data server; and with it, as by default."""
LOADERS: tuple[Loader, ...] = ("python", "data server")
EVERY = 1000
"""Most points of a curve that are read."""


class Board:
    """What TensorBoard shows of a folder."""

    def __init__(self, provider: Any) -> None:
        self._provider, self._context, self._known = provider, context.RequestContext(), ""

    def _ask(self, what: str, plugin: str, **more: Any) -> Any:
        return getattr(self._provider, what)(self._context, experiment_id="", plugin_name=plugin, **more)

    def is_read(self) -> bool:
        """Whether a server has read all: what it knows does not change any more."""
        before = self._known
        runs = self._provider.list_runs(self._context, experiment_id="")
        self._known = repr((runs, self.points(), self.pictures())) if runs else ""
        return bool(before) and before == self._known

    def points(self) -> dict[str, dict[str, list[tuple[int, float]]]]:
        """By run and tag, step and value of every point."""
        found = self._ask("read_scalars", scalars.PLUGIN_NAME, downsample=EVERY)
        return {
            run: {tag: [(point.step, point.value) for point in points] for tag, points in tags.items()}
            for run, tags in found.items()
        }

    def pictures(self) -> dict[str, dict[str, list[int]]]:
        """By run and tag, the steps at which there is a picture."""
        found = self._ask("read_blob_sequences", images.PLUGIN_NAME, downsample=EVERY)
        return {run: {tag: [one.step for one in each] for tag, each in tags.items()} for run, tags in found.items()}

    def descriptions(self) -> dict[str, str]:
        """Of every curve and picture of all runs, by tag."""
        curves = self._ask("list_scalars", scalars.PLUGIN_NAME)
        pictures = self._ask("list_blob_sequences", images.PLUGIN_NAME)
        return {
            tag: series.description
            for found in (curves, pictures)
            for tags in found.values()
            for tag, series in tags.items()
        }

    def layout(self) -> list[dict[str, Any]]:
        """The categories of the tab of custom scalars."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "html5lib's sanitizer", DeprecationWarning)  # in a copy TensorBoard has
            from tensorboard.plugins.custom_scalar.custom_scalars_plugin import CustomScalarsPlugin  # noqa: PLC0415  # so

        plugin = CustomScalarsPlugin(TBContext(data_provider=self._provider))
        found: list[dict[str, Any]] = json.loads(plugin.layout_impl(self._context, ""))["category"]
        return found


@contextmanager
def board(folder: Path, loader: Loader = "python") -> Iterator[Board]:
    """The folder as TensorBoard shows it; skips the test if it has no data server."""
    if loader == "python":
        multiplexer = EventMultiplexer(
            size_guidance={"tensors": 0}, tensor_size_guidance={scalars.PLUGIN_NAME: 0, images.PLUGIN_NAME: 0}
        )
        multiplexer.AddRunsFromDirectory(str(folder))
        multiplexer.Reload()
        yield Board(MultiplexerDataProvider(multiplexer, str(folder)))
        return
    try:
        binary = server_ingester.get_server_binary()
    except server_ingester.NoDataServerError as error:
        pytest.skip(str(error))
    what = "TensorBoard's data server answers"
    with TemporaryDirectory() as spare:
        port = Path(spare, "port")
        arguments = [
            binary.path, f"--logdir={folder}", "--reload=once", "--port=0", f"--port-file={port}", "--die-after-stdin",
            f"--samples-per-plugin={scalars.PLUGIN_NAME}={EVERY},{images.PLUGIN_NAME}={EVERY}",
        ]  # fmt: skip
        with subprocess.Popen(arguments, stdin=subprocess.PIPE) as server:  # noqa: S603  # TensorBoard's own
            address = f"localhost:{int(wait_until(lambda: port.exists() and port.read_text('ascii').strip(), what))}"
            credentials, options = grpc_util.ChannelCredsType.LOCAL.channel_config()
            with grpc.secure_channel(address, credentials, options=options) as channel:
                shown = Board(grpc_provider.GrpcDataProvider(address, grpc_provider.make_stub(channel)))
                wait_until(shown.is_read, what)
                yield shown
            server.communicate()  # it ends when nobody can talk to it any more
