"""Tracing is on where the standard variables name someone to send spans to, and costs nothing elsewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.util.re import parse_env_headers

from treaty_chassis.tracing.environment import TracingError, wanted

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector/v1/traces"}, True),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "true"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "false"}, True),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        ({"OTEL_SERVICE_NAME": "a", "OTEL_TRACES_SAMPLER": "always_on"}, False),
        (ENDPOINT | {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}, True),
        (ENDPOINT | {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}, True),
    ],
)
def test_spans_are_wanted_where_the_environment_names_an_endpoint(
    environment: dict[str, str], on: bool
) -> None:
    assert wanted(environment) is on


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[collector"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:99999"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        (
            ENDPOINT | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER"),
        (ENDPOINT | {"OTEL_TRACES_SAMPLER": "sometimes"}, "OTEL_TRACES_SAMPLER"),
        (
            ENDPOINT | {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "12"},
            "OTEL_TRACES_SAMPLER_ARG",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_the_variables_name(
    environment: dict[str, str], named: str
) -> None:
    with pytest.raises(TracingError, match=f"^{named}: expected "):
        wanted(environment)


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "grpc://me:s3cret@collector:4317"},
        ENDPOINT | {"OTEL_EXPORTER_OTLP_HEADERS": 'authorization=Bearer "s3cret"'},
        ENDPOINT | {"OTEL_EXPORTER_OTLP_HEADERS": "tenant=one,s3cret"},
        ENDPOINT | {"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=s3cret\nx=y"},
    ],
)
def test_what_may_be_a_secret_is_not_told_when_it_cannot_be_meant(environment: dict[str, str]) -> None:
    with pytest.raises(TracingError, match=r"^OTEL_EXPORTER_OTLP_\w+: expected ") as refused:
        wanted(environment)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("text", ["authorization=Bearer%20a.b-c_d==", "a=b, c = d e", "api-key=x,"])
def test_headers_are_taken_as_the_sdk_takes_them(text: str, caplog: pytest.LogCaptureFixture) -> None:
    assert wanted(ENDPOINT | {"OTEL_EXPORTER_OTLP_HEADERS": text})
    assert len(parse_env_headers(text, liberal=True)) == len([part for part in text.split(",") if part])
    assert caplog.messages == []


@pytest.mark.parametrize("form", ["a{}b=c", "a=b{}c", "a=b,c{}"])
def test_what_the_sdk_could_not_read_is_refused(form: str, caplog: pytest.LogCaptureFixture) -> None:
    for text in (form.format(chr(code)) for code in range(1, 0x180)):
        caplog.clear()
        parse_env_headers(text, liberal=True)
        if caplog.messages:
            with pytest.raises(TracingError, match=r"^OTEL_EXPORTER_OTLP_HEADERS: expected "):
                wanted(ENDPOINT | {"OTEL_EXPORTER_OTLP_HEADERS": text})


def test_a_process_that_does_not_trace_never_imports_the_sdk() -> None:
    program = (
        "import sys\n"
        "from treaty_chassis.tracing.setup import start\n"
        "import treaty_chassis.kafka.runner, treaty_chassis.http.tracing, treaty_chassis.postgres.outbox\n"
        "assert start('tested', {}) is None\n"
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'opentelemetry.e', 'google'))])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
