"""OpenTelemetry traces of the protocol, sent only where the person who starts the server says so."""

import logging
from collections.abc import Mapping

from agentops_mcp import __version__

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def start_tracing(environment: Mapping[str, str]) -> None:
    """Export the SDK's spans over OTLP/HTTP when one of `ENDPOINTS` is set; without them nothing is even imported."""
    if not any(environment.get(name) for name in ENDPOINTS):
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        logger.warning("No traces are sent: install agentops-mcp[otel], or unset %s.", " and ".join(ENDPOINTS))
        return
    resource = Resource.create({"service.name": "agentops-mcp", "service.version": __version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
