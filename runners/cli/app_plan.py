"""What a dry run says of an app: how it is started, or which function of it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runners.endpoint.address import read_address
from runners.endpoint.client import Client, Retries
from runners.endpoint.faults import EndpointError
from runners.endpoint.gradio_app import NoEndpoint, choose_endpoint, data_of
from runners.endpoint.gradio_calls import describe
from runners.endpoint.transport import Patience

if TYPE_CHECKING:
    from runners.candidates.spec import Candidate

LOOK = Patience(connect_s=10.0, silence_s=20.0, whole_s=30.0)


def app_lines(candidate: Candidate, *, offline: bool) -> Iterator[str]:
    """Lines about a candidate that is an app; none about another.

    One that runs elsewhere is asked what it offers, and no question.
    """
    if "app" not in candidate.runtime_spec.formats:
        return
    told: Any = candidate.settings
    elsewhere = told.elsewhere
    name = candidate.name
    if not elsewhere:
        yield f"{name}: is started as it stands; which function is asked is seen when it runs"
        yield f"  the first question is {told.warm_up!r}, which is not scored"
    elif offline:
        yield f"{name}: is not looked at: --offline"
    else:
        yield f"{name}: {_asked(told.url or f'https://{elsewhere}', told)}"


def _asked(url: str, told: Any) -> str:
    client = Client(read_address(url), retries=Retries(times=0), patience=LOOK)
    try:
        app = describe(client)
        endpoint = choose_endpoint(app, "" if told.endpoint == "auto" else told.endpoint)
        data_of(endpoint, "", told.inputs)
    except (EndpointError, NoEndpoint) as error:
        return f"cannot be asked now: {error}"
    finally:
        client.close()
    return f"asks {endpoint.signature} of Gradio {app.version} at {url}"
