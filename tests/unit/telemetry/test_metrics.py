from __future__ import annotations

from llmd.telemetry.metrics import Metrics


def test_renders_what_was_counted() -> None:
    metrics = Metrics()
    metrics.observe_cancel(0.004)
    metrics.answers.of("m").inference.observe(0.7)
    text = metrics.render().decode()
    assert 'llmd_cancel_seconds_bucket{le="0.005"} 1.0' in text
    assert 'llmd_inference_seconds_bucket{le="1.0",model="m"} 1.0' in text
    assert "# TYPE active_connections gauge" in text


def test_two_daemons_in_one_process_do_not_share_figures() -> None:
    first, second = Metrics(), Metrics()
    first.show_connections(lambda: 23)
    assert "active_connections 23.0" in first.render().decode()
    assert "active_connections 0.0" in second.render().decode()


def test_the_documented_histogram_is_so_to_the_letter() -> None:
    metrics = Metrics()
    for seconds in (0.5, 1, 2.5, 4, 1000):
        metrics.all_inference_seconds.observe(seconds)
    lines = metrics.render().decode().splitlines()
    assert "# TYPE model_inference_seconds histogram" in lines
    assert 'model_inference_seconds_bucket{le="1"} 2.0' in lines
    assert 'model_inference_seconds_bucket{le="3"} 3.0' in lines
    assert 'model_inference_seconds_bucket{le="5"} 4.0' in lines
    assert "model_inference_seconds_count 5.0" in lines


def test_every_family_has_a_sentence_that_explains_it() -> None:
    families = list(Metrics().registry.collect())
    assert len(families) > 20
    assert [family.name for family in families if len(family.documentation.split()) < 2] == []
