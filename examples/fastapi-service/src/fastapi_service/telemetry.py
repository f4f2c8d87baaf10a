"""Traces and metrics by OTLP over HTTP, where a collector is named.

The variables are OpenTelemetry's own: OTEL_EXPORTER_OTLP_ENDPOINT says where the collector is, OTEL_SERVICE_NAME what the
service is called there, OTEL_METRIC_EXPORT_INTERVAL how often metrics are sent.
See https://opentelemetry.io/docs/specs/otel/protocol/exporter/.
"""

import os
from collections.abc import Callable

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# A collector that does not answer must not keep the service from stopping.
SECONDS = 1


def start() -> Callable[[], None]:
    """Begin to export, and return what sends the rest and ends it.

    It runs in the process that serves, and not at import: a server that forks would copy threads and connections.
    """
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return lambda: None
    resource = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", "fastapi-service")})
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=SECONDS)))
    trace.set_tracer_provider(tracers)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(timeout=SECONDS))
    meters = MeterProvider(resource=resource, metric_readers=[reader])
    metrics.set_meter_provider(meters)

    def stop() -> None:
        tracers.shutdown()
        meters.shutdown(timeout_millis=SECONDS * 1000)

    return stop
