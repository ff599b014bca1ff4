"""All paths: what answers, who may ask, what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmd.protocol.accounts import TokenPair
from llmd.protocol.callers import Scope
from llmd.server.completions.schema import ChatChunk, ChatCompletion
from llmd.server.dialects.platform.routes import accounts, chat, models
from llmd.server.dialects.platform.schema import (
    ChatRequest,
    CreatedKey,
    Envelope,
    KeyChange,
    KeyObject,
    Listing,
    Login,
    ModelChange,
    ModelObject,
    NewKey,
    NewModel,
    NewUser,
    Page,
    Refresh,
    UserChange,
    UserObject,
)
from llmd.server.http.route import Route, delete, get, post, put

_ADMIN = Scope.ADMIN
_USERS = Envelope[Listing[UserObject]]
_KEYS = Envelope[Listing[KeyObject]]
_MODELS = Envelope[Listing[ModelObject]]
_USER = Envelope[UserObject]
_KEY = Envelope[KeyObject]
_MODEL = Envelope[ModelObject]
_NEW = Envelope[CreatedKey]
_TOKENS = Envelope[TokenPair]
_NOTHING = Envelope[None]

_CHAT_ROUTES = (
    post(
        "/completions",
        chat.chat_completions,
        Scope.GENERATE,
        body=ChatRequest,
        answer=Envelope[ChatCompletion],
        events=ChatChunk,
    ),
)
SOCKET_ROUTES = (
    get("", chat.chat_stream, Scope.GENERATE, body=ChatRequest, events=ChatChunk, status=101),
)
ADMIN_ROUTES = (
    get("/users", accounts.list_users, _ADMIN, query=Page, answer=_USERS),
    post("/users", accounts.create_user, _ADMIN, body=NewUser, answer=_USER),
    get("/users/{userId}", accounts.show_user, _ADMIN, answer=_USER),
    put("/users/{userId}", accounts.change_user, _ADMIN, body=UserChange, answer=_USER),
    get("/keys", accounts.list_keys, _ADMIN, query=Page, answer=_KEYS),
    post("/keys", accounts.create_key, _ADMIN, body=NewKey, answer=_NEW),
    put("/keys/{keyId}", accounts.change_key, _ADMIN, body=KeyChange, answer=_KEY),
    delete("/keys/{keyId}", accounts.remove_key, _ADMIN, answer=_NOTHING),
    get("/models", models.list_models, _ADMIN, query=Page, answer=_MODELS),
    post("/models", models.create_model, _ADMIN, body=NewModel, answer=_MODEL),
    put("/models/{modelId:.+}", models.change_model, _ADMIN, body=ModelChange, answer=_MODEL),
)
AUTH_ROUTES = (
    post("/login", accounts.login, None, body=Login, answer=_TOKENS),
    post("/refresh", accounts.refresh, None, body=Refresh, answer=_TOKENS),
    post("/logout", accounts.logout, None, body=Refresh, answer=_NOTHING),
)


def _below(prefix: str, routes: Sequence[Route]) -> tuple[Route, ...]:
    return tuple(replace(route, path=prefix + route.path) for route in routes)


ROUTES = (
    *_below("/api/v1/chat", _CHAT_ROUTES),
    *_below("/api/v1/chat/stream", SOCKET_ROUTES),
    *_below("/api/v1/admin", ADMIN_ROUTES),
    *_below("/api/v1/auth", AUTH_ROUTES),
)
