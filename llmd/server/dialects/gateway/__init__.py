"""The gateway API: a directory of models with abilities, limits and measured figures, their answers
in an envelope, and deployments of local models; at `/gateway`.

Every answer is `{"code", "message", "data", "request_id"}`, errors too; streams carry OpenAI's
chunks as they are and end with `[DONE]`. gRPC offers the same over the same services.
"""
