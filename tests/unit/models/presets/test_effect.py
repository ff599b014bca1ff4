"""A preset laid upon requests: between what they ask and what the settings say."""

from __future__ import annotations

from llmd.config.settings import SamplingSettings
from llmd.models.presets import effect
from llmd.protocol.models import Preset, SamplingDefaults, Turn
from llmd.protocol.requests import ChatPrompt, GenerateRequest, TextPrompt

USER = {"role": "user", "content": "Hi"}
SYSTEM = {"role": "system", "content": "Mine."}
PRESET = Preset(system="Preset.", messages=[Turn("user", "a"), Turn("assistant", "b")])
EXAMPLES = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


def test_the_preset_stands_between_request_and_settings() -> None:
    settings = SamplingSettings(temperature=0.8, top_k=40, max_tokens=0)
    usual = effect.sampling(settings, SamplingDefaults(temperature=0.1, presence_penalty=1.5))
    assert usual.temperature == 0.1
    assert usual.top_k == 40
    assert usual.presence_penalty == 1.5
    assert usual.max_tokens is None, "0 means until the context is full"
    assert effect.sampling(settings, SamplingDefaults(max_tokens=7)).max_tokens == 7


def test_a_negative_seed_means_any() -> None:
    assert effect.sampling(SamplingSettings(), SamplingDefaults(seed=-1)).seed is None
    assert effect.sampling(SamplingSettings(), SamplingDefaults(seed=5)).seed == 5


def test_stops_of_both_count_each_once() -> None:
    usual = SamplingDefaults(stop=["<|im_end|>", "x"])
    assert effect.stops(usual, ["x", "", "y"]) == ["x", "y", "<|im_end|>"]
    assert effect.stops(SamplingDefaults(), []) == []


def test_a_conversation_without_a_system_prompt_gets_the_presets() -> None:
    made = effect.conversation(PRESET, ChatPrompt([USER]))
    assert made.messages == [{"role": "system", "content": "Preset."}, *EXAMPLES, USER]


def test_a_conversation_that_brings_one_keeps_it() -> None:
    made = effect.conversation(PRESET, ChatPrompt([SYSTEM, USER]))
    assert made.messages == [SYSTEM, *EXAMPLES, USER]


def test_an_empty_system_prompt_switches_the_presets_off() -> None:
    empty = {"role": "system", "content": ""}
    made = effect.conversation(Preset(system="Preset."), ChatPrompt([empty, USER]))
    assert made.messages == [empty, USER]


def test_a_system_message_later_on_counts_as_one() -> None:
    made = effect.conversation(Preset(system="Preset."), ChatPrompt([USER, SYSTEM]))
    assert made.messages == [USER, SYSTEM]


def test_a_system_turn_of_the_examples_gives_way_to_the_requests() -> None:
    preset = Preset(messages=[Turn("system", "Example."), Turn("user", "a")])
    alone = effect.conversation(preset, ChatPrompt([USER]))
    assert [message["content"] for message in alone.messages] == ["Example.", "a", "Hi"]
    own = effect.conversation(preset, ChatPrompt([SYSTEM, USER]))
    assert [message["content"] for message in own.messages] == ["Mine.", "a", "Hi"]


def test_the_rest_of_a_request_stays() -> None:
    asked = GenerateRequest(prompt=ChatPrompt([USER], tools=[{"type": "function"}]), max_tokens=3)
    made = effect.request(PRESET, asked)
    assert made.max_tokens == 3
    assert isinstance(made.prompt, ChatPrompt)
    assert made.prompt.tools == [{"type": "function"}]
    assert effect.request(Preset(), asked) is asked
    plain = GenerateRequest(prompt=TextPrompt("x"))
    assert effect.request(PRESET, plain) is plain
