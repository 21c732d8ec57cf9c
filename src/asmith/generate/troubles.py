"""What people are told of calls that came to nothing, and of answers that did not end well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.errors import AsmithError, StepFailedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.generate.messages_sdk import Trouble
    from asmith.model.names import ModuleName
    from asmith.project.config import GeneratorConfig

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE")
_WHOLE = ("end_turn", "stop_sequence")  # what some servers say at the end of a turn
_CUT = ("max_tokens", "model_context_window_exceeded")
_LATER = "run the build again later: what was answered is kept"
_KEY = ("{} refused the key", f"check {KEYS[0]} (or {KEYS[1]})")
_STATUS = {  # of HTTP -> what happened, with {} for the provider, and what to do
    401: _KEY,
    402: ("{} wants to be paid first", "see to the account's billing"),
    403: _KEY,
    404: (
        "{} does not know the model '{model}'",
        "correct 'model' in [tool.asmith.generator]; ANTHROPIC_BASE_URL must not end in /v1",
    ),
    413: ("{} finds the request too large", "split the module, or use fewer interfaces"),
    429: ("{} limits our rate", "wait a while, or use a smaller -n"),
}
_SETTINGS = (
    "check 'model', 'effort' and 'max_tokens' in [tool.asmith.generator]; "
    "for a server that speaks only the basics set compat = true"
)
_ANOTHER_SERVER = (
    "does ANTHROPIC_BASE_URL name a server that speaks the Messages API? "
    "A slow one may need more 'seconds' in [tool.asmith.generator]"
)


def unfinished(module: ModuleName, facts: Mapping[str, str]) -> AsmithError | None:
    """Return why an answer counts for nothing however it reads; None for one that ended well."""
    reason = facts.get("stop_reason", "end_turn")
    if reason in _WHOLE:
        return None
    if reason in _CUT:
        limit = "max_tokens" if reason == "max_tokens" else "the model's context window"
        return StepFailedError(
            f"module '{module}': the answer was cut off at {limit}",
            why=f"after {facts.get('output_tokens', 'an unknown number of')} tokens, "
            "which include what the model thinks",
            help="raise 'max_tokens' in [tool.asmith.generator] (and 'usd' in "
            "[tool.asmith.budget], if need be), or lower 'effort'"
            if reason == "max_tokens"
            else "split the module, or choose a model with a larger context window",
        )
    if reason == "refusal":
        category = facts.get("refused_for", "")
        return UnavailableError(
            f"module '{module}': the model refused to answer",
            why="a request about machine code may be taken for a harmful one"
            + (f"; its reason: {category}" if category else ""),
            help="say in the spec what the module is for, or choose another 'model' in "
            "[tool.asmith.generator]; asking the same again is of no use",
        )
    return UnavailableError(
        f"module '{module}': the model stopped for '{reason}', which no answer to us ends with",
        help="choose another 'model' in [tool.asmith.generator]",
    )


def unavailable(
    trouble: Trouble, url: str, config: GeneratorConfig, calls: int = 1
) -> UnavailableError:
    """Return the error for a call that came to nothing."""
    where = url or "the provider"
    times = f" (asked {calls} times)" if calls > 1 else ""
    what, help_ = _worded(trouble)
    return UnavailableError(
        f"{what.format(where, model=config.model)}{times}", why=trouble.words, help=help_
    )


def in_batch(words: str, module: ModuleName, batch: str) -> UnavailableError:
    """Return the error for a request of a batch that has no answer."""
    return UnavailableError(
        f"module '{module}': batch {batch} has no answer",
        why=words,
        help="run asmith build --batch again, or without --batch at the full price",
    )


def _worded(trouble: Trouble) -> tuple[str, str]:
    """Return what happened, with {} for the provider, and what to do."""
    status = trouble.status
    if status in _STATUS:
        return _STATUS[status]
    if status:
        if trouble.transient or status >= 500:  # noqa: PLR2004 -- the server's fault
            return f"{{}} failed (status {status})", _LATER
        return f"{{}} refused the request (status {status})", _SETTINGS
    if "authentication" in trouble.words:
        return "there is no key for {}", f"set {KEYS[0]} or {KEYS[1]}"
    if not trouble.begun:
        return "cannot reach {}", f"check the network and ANTHROPIC_BASE_URL; or {_LATER}"
    return ("{} failed", _LATER) if trouble.transient else ("{} gave no answer", _ANOTHER_SERVER)
