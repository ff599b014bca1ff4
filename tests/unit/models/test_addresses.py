"""Names that name a site, and web addresses."""

from __future__ import annotations

import string
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.errors import InvalidRequest
from llmd.models import addresses
from llmd.models.references import (
    HubReference,
    ModelScopeReference,
    OllamaReference,
    RemoteReference,
    UrlReference,
)

DIGEST = "ab" * 32


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("hf.co/acme/m", HubReference("acme/m")),
        ("HF.co/acme/m:Q8_0", HubReference("acme/m", "Q8_0")),
        ("modelscope.cn/models/acme/m", ModelScopeReference("acme/m")),
        ("www.modelscope.cn/models/acme/m/summary", ModelScopeReference("acme/m")),
        ("ollama.com/library/llama3.2:1b", OllamaReference("llama3.2", "1b")),
        ("registry.ollama.ai/someone/m", OllamaReference("someone/m")),
        ("hf.co/acme/m:latest", HubReference("acme/m")),
        ("acme/m", None),
        ("qwen3-4b", None),
    ],
)
def test_a_host_tells_the_site(text: str, meaning: RemoteReference | None) -> None:
    assert addresses.site_of(text) == meaning


@pytest.mark.parametrize(
    ("address", "meaning"),
    [
        ("https://huggingface.co/acme/m", HubReference("acme/m")),
        ("https://huggingface.co/acme/m/blob/main/s/m.gguf", HubReference("acme/m", "s/m.gguf")),
        (
            "https://huggingface.co/acme/m/resolve/v1.0/m.gguf",
            HubReference("acme/m", "m.gguf", "v1.0"),
        ),
        (
            "https://huggingface.co/acme/m/tree/refs%2Fpr%2F1",
            HubReference("acme/m", "", "refs/pr/1"),
        ),
        ("http://huggingface.co/acme/m?library=llama.cpp", HubReference("acme/m")),
        ("https://modelscope.cn/models/acme/m/files", ModelScopeReference("acme/m")),
        (
            "https://www.modelscope.cn/models/acme/m/file/view/master/m-Q8_0.gguf",
            ModelScopeReference("acme/m", "m-Q8_0.gguf"),
        ),
        (
            "https://modelscope.cn/models/acme/m/resolve/master/m.gguf",
            ModelScopeReference("acme/m", "m.gguf"),
        ),
        ("https://ollama.com/library/qwen3:4b", OllamaReference("qwen3", "4b")),
        ("https://ollama.com/someone/Model", OllamaReference("someone/model")),
    ],
)
def test_pages_of_the_sites_mean_what_they_show(address: str, meaning: RemoteReference) -> None:
    assert addresses.web(address) == meaning


@pytest.mark.parametrize(
    ("address", "meaning"),
    [
        ("https://a.example/m.gguf", UrlReference("https://a.example/m.gguf")),
        ("HTTPS://A.Example:8443/M.gguf", UrlReference("https://a.example:8443/M.gguf")),
        ("https://a.example/m.gguf?sig=a%2Fb", UrlReference("https://a.example/m.gguf?sig=a%2Fb")),
        ("https://a.example/m.gguf#readme", UrlReference("https://a.example/m.gguf")),
        (
            f"https://a.example/m.gguf#sha256={DIGEST}",
            UrlReference("https://a.example/m.gguf", DIGEST),
        ),
        ("https://a.example/模型.gguf", UrlReference("https://a.example/%E6%A8%A1%E5%9E%8B.gguf")),
        ("http://127.0.0.1:8080/m.gguf", UrlReference("http://127.0.0.1:8080/m.gguf")),
        ("http://localhost/m.gguf", UrlReference("http://localhost/m.gguf")),
        ("http://[::1]:80/m.gguf", UrlReference("http://[::1]:80/m.gguf")),
        (
            "https://modelscope.cn/api/v1/models/a/b/repo?FilePath=m.gguf",
            UrlReference("https://modelscope.cn/api/v1/models/a/b/repo?FilePath=m.gguf"),
        ),
    ],
)
def test_other_addresses_are_taken_as_they_are(address: str, meaning: UrlReference) -> None:
    assert addresses.web(address) == meaning


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://a.example/m.gguf", "use https"),
        ("http://10.0.0.1/m.gguf", "use https"),
        ("http://127.0.0.1.a.example/m.gguf", "use https"),
        ("https://me:secret@a.example/m.gguf", "password"),
        ("https://me@huggingface.co/acme/m", "password"),
        ("https://huggingface.co@a.example/m.gguf", "password"),
        ("https://me:secret@[a/m.gguf", "malformed"),
        ("https://me:secret@a.example/ .gguf", "spaces"),
        ("https://a.example/../m.gguf", "step out"),
        ("https://a.example/x/%2e%2e/m.gguf", "step out"),
        ("https://a.example\\m.gguf", "backslashes"),
        ("https://a.example/m .gguf", "spaces"),
        ("https://a.example", "no file"),
        ("https://a.example/", "no file"),
        ("https:///m.gguf", "ASCII"),
        ("https://\u0435xample.com/m.gguf", "ASCII"),
        ("https://a.example:99999/m.gguf", "malformed"),
        ("https://[::1/m.gguf", "malformed"),
        ("https://a.example/m.gguf#sha256=12", "64 hexadecimal"),
        ("https://huggingface.co/datasets/acme/m", "no model repository"),
        ("https://huggingface.co/acme/m/tree/..%2f..", "not a model name"),
    ],
)
def test_hostile_addresses_are_refused_with_a_reason(address: str, reason: str) -> None:
    with pytest.raises(InvalidRequest) as failure:
        addresses.web(address)
    assert reason in failure.value.message
    assert failure.value.hint
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("rest", "meaning"),
    [
        ("acme/m@dev", HubReference("acme/m", "", "dev")),
        ("acme/m@dev:Q4_0", HubReference("acme/m", "Q4_0", "dev")),
        ("acme/m@main", HubReference("acme/m")),
        ("acme/m@q4_k_m", HubReference("acme/m", "q4_k_m")),
        ("acme/m@UD-Q4_K_XL", HubReference("acme/m", "UD-Q4_K_XL")),
    ],
)
def test_what_follows_an_at_sign_is_a_revision_or_a_quantisation(
    rest: str, meaning: HubReference
) -> None:
    assert addresses.hub(rest, rest) == meaning


def test_modelscope_has_no_revisions_to_choose() -> None:
    assert addresses.modelscope("", "acme/m@Q8_0") == ModelScopeReference("acme/m", "Q8_0")
    with pytest.raises(InvalidRequest, match="Revisions"):
        addresses.modelscope("ms://acme/m@v2", "acme/m@v2")


@pytest.mark.parametrize("rest", ["", ":tag", "a/b/c", "a..b", "a:b:c", "../a", "-a", "名"])
def test_what_is_no_ollama_name_is_refused(rest: str) -> None:
    with pytest.raises(InvalidRequest, match="ollama://NAME:TAG"):
        addresses.ollama(f"ollama://{rest}", rest)


@pytest.mark.parametrize(
    ("word", "is_one"),
    [("Q4_K_M", True), ("iq3_xxs", True), ("bf16", True), ("MXFP4", True), ("fp16", True),
     ("UD-Q2_K_XL", True), ("4b", False), ("latest", False), ("quick", False), ("", False)],
)  # fmt: skip
def test_quantisations_are_told_from_other_words(word: str, *, is_one: bool) -> None:
    assert addresses.looks_like_quantization(word) is is_one


def test_quotes_in_errors_are_short_and_printable() -> None:
    assert addresses.shown("a\x1b[31m\n") == r"'a\x1b[31m\n'"
    assert len(addresses.shown("x" * 10_000)) < 210


CHARACTERS = string.ascii_letters + string.digits + "/:@?#%.\\[]-_ \x00é模\u202e"


@given(st.text(alphabet=CHARACTERS, max_size=80))
def test_an_address_that_is_taken_is_safe_to_fetch(rest: str) -> None:
    try:
        reference = addresses.web(f"https://{rest}")
    except InvalidRequest:
        return
    if not isinstance(reference, UrlReference):
        return
    parts = urlsplit(reference.url)
    assert reference.url.isascii()
    assert reference.url.isprintable()
    assert " " not in reference.url
    assert parts.scheme == "https"
    assert parts.username is None
    assert parts.hostname
    assert ".." not in parts.path.split("/")
    assert addresses.web(reference.url) == UrlReference(reference.url)


@pytest.mark.parametrize(
    ("rest", "meaning"),
    [
        ("hf.co/acme/m:Q4_K_M", HubReference("acme/m", "Q4_K_M")),
        ("HuggingFace.co/acme/m:latest", HubReference("acme/m")),
        ("library/qwen2:0.5b", OllamaReference("qwen2", "0.5b")),
    ],
)
def test_what_ollama_fetched_from_the_hub_is_one_of_the_hubs(
    rest: str, meaning: RemoteReference
) -> None:
    assert addresses.ollama(f"ollama://{rest}", rest) == meaning
