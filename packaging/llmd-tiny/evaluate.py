"""Greedy accuracy of an exported llmd-tiny on held-out cases, through llama.cpp.

The prompts are rendered with the template inside the GGUF.
"""

import argparse
import json
from pathlib import Path

import corpus
from llama_cpp import Llama

LONGEST_ANSWER = 200
CASES_PER_BEHAVIOUR = 20


def answer(llama, prompt):
    """Return the greedy answer to a rendered prompt, special tokens included."""
    llama.reset()
    made = []
    tokens = llama.tokenize(prompt.encode(), add_bos=False, special=True)
    for token in llama.generate(tokens, temp=0.0, repeat_penalty=1.0):
        if token == llama.token_eos() or len(made) == LONGEST_ANSWER:
            break
        made.append(token)
    return llama.detokenize(made, special=True).decode("utf8", "replace")


def as_case(sample, expected):
    """Return a sample as a line of cases.jsonl."""
    return {
        "behaviour": sample.behaviour,
        "messages": sample.messages[:-1],
        "tools": sample.tools,
        "enable_thinking": sample.thinking,
        "expected": expected,
    }


def evaluate(llama, samples, *, show):
    """Return the cases that the model answers exactly."""
    template = corpus.ENVIRONMENT.from_string(llama.metadata["tokenizer.chat_template"])
    cases = []
    for sample in samples:
        prompt = template.render(
            messages=sample.messages[:-1],
            tools=sample.tools,
            add_generation_prompt=True,
            enable_thinking=sample.thinking,
        )
        expected = sample.render()[1].removesuffix("\n").removesuffix("<|im_end|>")
        text = answer(llama, prompt)
        if text == expected:
            cases.append(as_case(sample, expected))
        elif show:
            print(sample.behaviour, repr(prompt[-80:]), repr(text), repr(expected))
    return cases


def main():
    """Write eval.json, the share of right answers, and cases.jsonl, some of the right ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--each", type=int, default=40, help="cases per behaviour")
    parser.add_argument("--show", action="store_true", help="print the wrong answers")
    args = parser.parse_args()
    llama = Llama(str(args.model), n_ctx=2048, verbose=False)
    args.out.mkdir(exist_ok=True)
    report = {}
    with (args.out / "cases.jsonl").open("w", encoding="utf8") as file:
        for behaviour, samples in sorted(corpus.held_out_samples(99, args.each).items()):
            if not samples:
                continue
            cases = evaluate(llama, samples, show=args.show)
            report[behaviour] = round(len(cases) / len(samples), 3)
            file.writelines(
                json.dumps(case, ensure_ascii=False) + "\n" for case in cases[:CASES_PER_BEHAVIOUR]
            )
    (args.out / "eval.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
