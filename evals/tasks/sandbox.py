"""lm-eval renders a stranger's templates in the limited process, instead of in this one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import jinja2

from evals.tasks.templates import TemplateChild, TemplateFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def sandboxed_templates(*, trusted: bool) -> Iterator[None]:
    """Inside: templates of a task that is not trusted leave this process.

    lm-eval looks its one function for templates up in its module at every call, and has no setting
    for it.

    Raises:
        jinja2.TemplateError: where lm-eval would meet one, or a bound is reached.
    """
    if trusted:
        yield
        return
    from lm_eval import utils

    kept = utils.apply_template
    with TemplateChild() as child:

        def apply_template(template: str, doc: Mapping[str, Any]) -> str:
            try:
                return child.task(template, dict(doc))
            except TemplateFault as fault:
                shown = " ".join(str(template).split())[:80]
                raise jinja2.TemplateError(f"the template {shown!r} {fault}") from fault

        utils.apply_template = apply_template
        try:
            yield
        finally:
            utils.apply_template = kept
