"""What the dashboard says, line by line. Pure: a snapshot and a width in, styled lines out.

`machine.lines` is about processor, memory and GPUs, `model.lines` about one loaded model,
`work.lines` about downloads, variants and deployments under way, `answers.lines` about requests.
Columns of a line keep their places as figures change. Knows nothing of widgets.
"""
