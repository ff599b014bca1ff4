"""Train llmd-tiny for a given number of minutes: tokenizer first, then the decoder."""

import argparse
import itertools
import json
import time
from pathlib import Path

import corpus
import torch
import torch.nn.functional as F
from model import Decoder, Shape
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<think>",
    "</think>",
]
# the pre-tokenizer that llama.cpp calls "qwen2"
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def train_tokenizer(path, vocab):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    texts = (p + a for p, a in corpus.training_texts(seed=1, number=60000))
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=24,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(path))
    return tokenizer


def packed_rows(tokenizer, seed, length):
    """Yield rows of `length` + 1 tokens, without end, and the chance that the loss of each counts.

    Answers count always, prompts one token in ten.
    """
    for part in itertools.count():
        tokens, weights = [], []
        for prompt, answer in corpus.training_texts(seed * 1000 + part, 4000):
            p, a = tokenizer.encode(prompt).ids if prompt else [], tokenizer.encode(answer).ids
            tokens += p + a
            weights += [0.1] * len(p) + [1.0] * len(a)
            if len(tokens) > length:
                yield tokens[: length + 1], weights[: length + 1]
                tokens, weights = [], []


def orthogonal(g):
    """Newton-Schulz iteration of the Muon optimizer (Jordan 2024)."""
    x = g / (g.norm() + 1e-7)
    flip = x.shape[0] > x.shape[1]
    x = x.T if flip else x
    for _ in range(5):
        m = x @ x.T
        x = 3.4445 * x + (-4.7750 * m + 2.0315 * m @ m) @ x
    return x.T if flip else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.95):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                v = self.state[p].setdefault("velocity", torch.zeros_like(p))
                v.mul_(group["momentum"]).add_(p.grad)
                p.mul_(1 - 0.02 * group["lr"])
                p.add_(
                    orthogonal(p.grad + group["momentum"] * v),
                    alpha=-group["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5,
                )


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--minutes", type=float, default=50)
    parser.add_argument("--length", type=int, default=512, help="tokens in a row")
    parser.add_argument("--rows", type=int, default=8, help="rows in a step")
    parser.add_argument("--blocks", type=int, default=Shape.blocks)
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the checkpoint with fresh data and half the rate",
    )
    return parser.parse_args()


def optimizers_of(decoder):
    """Return (optimizer, rate) pairs: Muon for the matrices in the blocks, AdamW for the rest."""
    named = list(decoder.named_parameters())
    matrices = [p for name, p in named if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in named if p.ndim != 2 or "embed" in name]
    adam = torch.optim.AdamW(others, 3e-3, betas=(0.9, 0.95), weight_decay=0.0)
    return [(Muon(matrices, 0.02), 0.02), (adam, 3e-3)]


def loss_of(run, embedding, batch):
    """Return the loss over the tokens of a batch that count, drawn by their chance."""
    tokens = torch.tensor([row for row, _ in batch])
    answers = torch.tensor([chances for _, chances in batch])
    learn = torch.rand(tokens[:, 1:].numel()) < answers[:, 1:].flatten()
    hidden = run(tokens[:, :-1]).flatten(0, 1)[learn]
    return F.cross_entropy(hidden @ embedding.T, tokens[:, 1:].flatten()[learn])


def update(decoder, optimizers, scale):
    """Take one step at this share of the full rate."""
    torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    for optimizer, rate in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * scale
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def train(decoder, rows, args, save):
    """Train until the time is up; return the record of this run."""
    run = torch.compile(decoder)
    optimizers = optimizers_of(decoder)
    start, seen, step = time.time(), 0, 0
    while (elapsed := (time.time() - start) / 60) < args.minutes:
        loss = loss_of(run, decoder.embed.weight, [next(rows) for _ in range(args.rows)])
        loss.backward()
        # a short warm-up, a flat stretch, then down in a line
        scale = min(1.0, (step + 1) / 60) * min(1.0, (1 - elapsed / args.minutes) / 0.7 + 0.005)
        update(decoder, optimizers, scale * (0.5 if args.resume else 1.0))
        seen += args.rows * args.length
        step += 1
        if step % 50 == 0:
            speed = seen / (time.time() - start)
            print(
                f"{elapsed:6.1f} min  step {step}  tokens {seen / 1e6:.2f}M"
                f"  loss {loss.item():.4f}  {speed:.0f} tok/s",
                flush=True,
            )
        if step % 500 == 0:
            save()
    save()
    return {
        "minutes": round(elapsed, 1),
        "steps": step,
        "tokens": seen,
        "last_loss": round(loss.item(), 4),
    }


def main():
    """Write tokenizer.json, checkpoint.pt and training.json (one record for each run)."""
    args = arguments()
    args.out.mkdir(exist_ok=True)
    torch.manual_seed(0)
    path = args.out / "tokenizer.json"
    if path.exists():
        tokenizer = Tokenizer.from_file(str(path))
    else:
        tokenizer = train_tokenizer(path, Shape.vocab)
    shape = Shape(vocab=tokenizer.get_vocab_size(), blocks=args.blocks)
    decoder = Decoder(shape)
    checkpoint, record = args.out / "checkpoint.pt", args.out / "training.json"
    if args.resume:
        decoder.load_state_dict(torch.load(checkpoint)["weights"])

    def save():
        torch.save({"shape": vars(shape), "weights": decoder.state_dict()}, checkpoint)

    rows = packed_rows(tokenizer, 8 if args.resume else 7, args.length)
    runs = json.loads(record.read_text()) if args.resume and record.exists() else []
    runs.append({"resumed": args.resume} | train(decoder, rows, args, save))
    record.write_text(json.dumps(runs, indent=1) + "\n")


if __name__ == "__main__":
    main()
