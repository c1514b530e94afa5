"""What a Gradio app offers: its endpoints, what each is asked, and which of them answers questions.

Read from the app's own `/config` and `/gradio_api/info`, which its web page and the official client
read as well. Pure: nothing is asked here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runners.endpoint.asking import rows, table, words

MESSAGES = ("message", "prompt", "question", "query", "text", "input", "msg")
"""Names that apps give the parameter with what is asked, the usual first."""
PROTOCOLS = ("sse_v1", "sse_v2", "sse_v2.1", "sse_v3")
"""Ways of streaming of Gradio 4.21 to 6; before, each event opened a stream of its own."""
DIFFERENCES = ("sse_v2", "sse_v2.1", "sse_v3")
"""Protocols in which an output after the first is what changed in the one before it."""
STATE = "state"
CHATS = ("chatbot",)
NAMED = 6
"""Endpoints that a message names."""


class NoEndpoint(ValueError):
    """The app has no endpoint that can be driven, or several; says what would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of an endpoint, in the order in which values are sent."""

    name: str
    """Parameter's name in Python; empty for what the app keeps to itself."""
    component: str
    """Kind of component, e.g. `textbox`, `multimodaltextbox`, `slider`, `state`."""
    takes_text: bool = False
    default: Any = None
    has_default: bool = False

    @property
    def hidden(self) -> bool:
        """True for state, which a client sends as null."""
        return not self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class AppEndpoint:
    """One function of the app that can be called by its name."""

    name: str
    """With its slash: `/chat`."""
    index: int
    """`fn_index` of the queue."""
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    """Kinds of the components that its values go to."""
    queued: bool = True
    """False: it is called at once, past the queue."""

    @property
    def message(self) -> Input | None:
        """The parameter that a question goes into; None where none takes a text."""
        texts = [one for one in self.inputs if one.takes_text]
        named = (one for name in MESSAGES for one in texts if one.name == name)
        return next(named, texts[0] if texts else None)

    @property
    def answer(self) -> int | None:
        """Place of the output that the answer is in: a chat, else the first that is shown."""
        shown = [i for i, kind in enumerate(self.outputs) if kind != STATE]
        chats = [i for i in shown if self.outputs[i] in CHATS]
        return next(iter([*chats, *shown]), None)

    @property
    def signature(self) -> str:
        """Name and parameters, for people: `/chat(message, temperature=0.0)`."""
        shown = ", ".join(
            f"{one.name}={one.default!r}" if one.has_default else one.name
            for one in self.inputs
            if not one.hidden
        )
        return f"{self.name}({shown})"


@dataclass(frozen=True, slots=True, kw_only=True)
class GradioApp:
    """A running app, as it describes itself."""

    version: str
    prefix: str
    """In front of its paths: `/gradio_api`, or nothing before Gradio 5."""
    protocol: str
    title: str
    endpoints: tuple[AppEndpoint, ...]

    @property
    def sends_differences(self) -> bool:
        """True where later outputs are changes of earlier ones."""
        return self.protocol in DIFFERENCES


def read_app(config: Mapping[str, Any], info: Mapping[str, Any]) -> GradioApp:
    """The app, out of its `/config` and its `/info`.

    Raises:
        NoEndpoint: it speaks a protocol that is not known here.
    """
    protocol = words(config.get("protocol"))
    if protocol not in PROTOCOLS:
        raise NoEndpoint(
            f'speaks Gradio\'s protocol "{protocol[:20]}", known are {", ".join(PROTOCOLS)} '
            "(Gradio 4.21 to 6)"
        )
    kinds = {one.get("id"): one for one in rows(config.get("components"))}
    enabled = config.get("enable_queue") is not False
    named = table(info.get("named_endpoints"))
    found = []
    for place, function in enumerate(rows(config.get("dependencies"))):
        name = f"/{words(function.get('api_name'))}"
        described = named.get(name)
        if isinstance(described, dict):
            found.append(
                AppEndpoint(
                    name=name,
                    index=function["id"] if type(function.get("id")) is int else place,
                    inputs=_inputs(function, kinds, rows(described.get("parameters"))),
                    outputs=tuple(_kind(kinds.get(one)) for one in _ids(function, "outputs")),
                    queued=enabled and function.get("queue") is not False,
                )
            )
    return GradioApp(
        version=words(config.get("version")) or "unknown",
        prefix=words(config.get("api_prefix")),
        protocol=protocol,
        title=words(config.get("title")),
        endpoints=tuple(found),
    )


def choose_endpoint(app: GradioApp, wanted: str = "") -> AppEndpoint:
    """The endpoint that answers questions: the one named, else the only one that can.

    Of several that take and give a text, one with a parameter `message` is meant, or one called
    `/chat` or `/predict`.

    Raises:
        NoEndpoint: there is none, or it cannot be told which; names them.
    """
    if wanted:
        name = f"/{wanted.lstrip('/')}"
        found = next((one for one in app.endpoints if one.name == name), None)
        if found is None:
            raise NoEndpoint(f"has no endpoint {name[:60]} ({_listed(app.endpoints)})")
        if found.message is None or found.answer is None:
            raise NoEndpoint(f"its endpoint {found.signature} takes no text, or gives none")
        return found
    able = [one for one in app.endpoints if one.message and one.answer is not None]
    chats = [one for one in able if one.message and one.message.name == MESSAGES[0]]
    usual = [one for one in able if one.name in ("/chat", "/predict")]
    for some in (able, chats, usual):
        if len(some) == 1:
            return some[0]
    if not able:
        raise NoEndpoint(
            f"has no endpoint that takes a text and gives one ({_listed(app.endpoints)})"
        )
    raise NoEndpoint(f"has several endpoints; settings.endpoint names one ({_listed(able)})")


def _listed(endpoints: Sequence[AppEndpoint]) -> str:
    if not endpoints:
        return "its API is empty: api_name=False hides a function"
    more = ", …" if len(endpoints) > NAMED else ""
    return "it has " + ", ".join(one.signature[:100] for one in endpoints[:NAMED]) + more


def data_of(endpoint: AppEndpoint, message: str, inputs: Mapping[str, Any]) -> list[Any]:
    """Values of one call, in order: the question, what the user chose, and the app's own defaults.

    Args:
        endpoint: which is called.
        message: what is asked.
        inputs: values by parameter, instead of the app's defaults.

    Raises:
        NoEndpoint: a parameter has neither, or a value is for none.
    """
    known = [one.name for one in endpoint.inputs if not one.hidden]
    if strangers := [name for name in inputs if name not in known]:
        raise NoEndpoint(
            f'{endpoint.name} has no parameter "{strangers[0]}" (it has: {", ".join(known)})'
        )
    return [_value(one, endpoint, message, inputs) for one in endpoint.inputs]


def _value(one: Input, endpoint: AppEndpoint, message: str, inputs: Mapping[str, Any]) -> Any:
    if one is endpoint.message:
        return {"text": message, "files": []} if one.component == "multimodaltextbox" else message
    if one.name in inputs:
        return inputs[one.name]
    if one.hidden or one.has_default:
        return one.default
    if one.component in CHATS:
        return []  # a conversation that begins with this question
    raise NoEndpoint(
        f"{endpoint.signature} needs a value for {one.name}: settings.inputs: {{{one.name}: VALUE}}"
    )


def _inputs(
    function: Mapping[str, Any],
    kinds: Mapping[Any, Mapping[str, Any]],
    parameters: Sequence[Mapping[str, Any]],
) -> tuple[Input, ...]:
    """Inputs in order; those that the API does not show are sent as null."""
    described = iter(parameters)
    found = []
    for one in _ids(function, "inputs"):
        component = kinds.get(one)
        kind = _kind(component)
        if kind == STATE or (component or {}).get("skip_api") is True:
            found.append(Input(name="", component=kind))
            continue
        about = next(described, {})
        textual = table(about.get("type")).get("type") == "string" and kind != "dropdown"
        found.append(
            Input(
                name=words(about.get("parameter_name")) or f"param_{len(found)}",
                component=kind,
                takes_text=textual or kind == "multimodaltextbox",
                default=about.get("parameter_default"),
                has_default=about.get("parameter_has_default") is True,
            )
        )
    return tuple(found)


def _ids(function: Mapping[str, Any], key: str) -> list[Any]:
    listed = function.get(key)
    return [one for one in listed if isinstance(one, int)] if isinstance(listed, list) else []


def _kind(component: Mapping[str, Any] | None) -> str:
    return words((component or {}).get("type")).lower()
