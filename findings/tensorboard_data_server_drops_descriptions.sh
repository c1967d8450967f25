#!/usr/bin/env bash
# Expected of TensorBoard 2.21.0 with tensorboard-data-server 0.7.2: both of its readers, the Python one
# (--load_fast=false) and the data server (the default), tell the same of a file of events. A scalar that was written as
# a plain simple_value with a summary_description has that description under either.
#
# Seen: the Python reader keeps the description, the data server tells an empty one. With metadata that name the plugin
# "scalars" and the class of the data, both keep it. Whoever writes plain values with descriptions sees them or not
# depending on which reader runs.
#
# Printed: "python: plain 'what it is', full 'what it is'; data server: plain '', full 'what it is'"
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorboard==2.21.0 tensorboard-data-server==0.7.2 "setuptools<81"
"$folder/venv/bin/python" -W ignore - "$folder/logs" <<'PY'
import sys

from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_SCALAR, Summary, SummaryMetadata
from tensorboard.context import RequestContext
from tensorboard.data.server_ingester import SubprocessServerDataIngester, get_server_binary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util.grpc_util import ChannelCredsType

logs, said = sys.argv[1], "what it is"
plain = SummaryMetadata(summary_description=said)
full = SummaryMetadata(summary_description=said, data_class=DATA_CLASS_SCALAR)
full.plugin_data.plugin_name = "scalars"
writer = EventFileWriter(logs)
for tag, metadata in (("plain", plain), ("full", full)):
    value = Summary.Value(tag=tag, simple_value=1.0, metadata=metadata)
    writer.add_event(Event(wall_time=1.0, step=1, summary=Summary(value=[value])))
writer.close()


def descriptions(provider):
    (run,) = provider.list_scalars(RequestContext(), experiment_id="", plugin_name="scalars").values()
    return {tag: series.description for tag, series in run.items()}


multiplexer = EventMultiplexer()
multiplexer.AddRunsFromDirectory(logs)
multiplexer.Reload()
by_python = descriptions(MultiplexerDataProvider(multiplexer, logs))
ingester = SubprocessServerDataIngester(
    server_binary=get_server_binary(), logdir=logs, reload_interval=0,
    channel_creds_type=ChannelCredsType.LOCAL,
)
ingester.start()
by_server = descriptions(ingester.data_provider)
print(
    f"python: plain {by_python['plain']!r}, full {by_python['full']!r};"
    f" data server: plain {by_server['plain']!r}, full {by_server['full']!r}"
)
assert by_python == {"plain": said, "full": said}
assert by_server == {"plain": "", "full": said}
PY
