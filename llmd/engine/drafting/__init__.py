"""Guesses what a model will say next, so that one decode call can check several tokens at once.

Speculative decoding (Leviathan et al., ICML 2023) where the target's own sampler decides: a drafted
token counts only when the sampler chose the same one, so answers are what they would be without.
drafter.py says what a drafter is; ngram.py looks the text up in itself, draft_model.py asks a small
model, mtp.py a model's own prediction layers. pace.py learns how often which guesses are right,
budget.py what rows cost and how many pay, speculator.py joins them: the one thing that the step
loop talks to; opening.py builds it. Knows nothing of requests, logits or the scheduler.
"""

from llmd.engine.drafting.budget import Budget as Budget
from llmd.engine.drafting.drafter import Draft as Draft
from llmd.engine.drafting.drafter import Drafter as Drafter
from llmd.engine.drafting.drafter import Trust as Trust
from llmd.engine.drafting.ngram import NgramDrafter as NgramDrafter
from llmd.engine.drafting.opening import Target as Target
from llmd.engine.drafting.opening import open_speculator as open_speculator
from llmd.engine.drafting.opening import wants_prediction as wants_prediction
from llmd.engine.drafting.speculator import Speculator as Speculator
