"""What a user is told of an answer of the API server: the right cause, by the status it was answered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from certwright.cli.session import NO_SUCH_KIND, WHO_MAY_READ, told
from certwright.failures import Setback
from tests.cli.test_listing import certwright, config, server
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["config", "server"]

OURS = "/apis/certwright.dev/v1/namespaces/shop/certificates"
LOG = "/api/v1/namespaces/certwright/pods/certwright-1/log"
SELECTOR = "unable to parse requirement: found 'x', expected: in, notin, =, ==, !=, gt, lt"
PULLING = 'container "operator" in pod "certwright-1" is waiting to start: trying and failing to pull image'
INVALID = 'Certificate.certwright.dev "web" is invalid: spec.dnsNames: Required value'
OLD_PAGE = "The provided continue parameter is too old to display a consistent list result."
GONE = 'pods "certwright-1" not found'
SAYS = "The API server says: "


@pytest.mark.parametrize(
    ("method", "path", "answer", "said"),
    [
        ("GET", OURS, refusal(400, "BadRequest", SELECTOR), SAYS + SELECTOR),
        ("GET", LOG, refusal(400, "BadRequest", PULLING), SAYS + PULLING),
        (
            "GET",
            OURS,
            refusal(401, "Unauthorized", "Unauthorized"),
            "does not accept the kubeconfig's credentials",
        ),
        ("GET", OURS, refusal(403, "Forbidden", "cannot list"), "No permission: cannot list"),
        ("GET", OURS, Answer(404, b"404 page not found"), NO_SUCH_KIND),
        ("GET", "/apis/certwright.dev/v1/clusterissuers", Answer(404), NO_SUCH_KIND),
        ("GET", LOG, refusal(404, "NotFound", GONE), SAYS + GONE),
        ("GET", f"{OURS}/certificates", refusal(404, "NotFound", "not found"), SAYS + "not found"),
        ("GET", "/apis/apps/v1/deployments", Answer(404), SAYS + "HTTP 404"),
        ("PATCH", f"{OURS}/web", refusal(409, "Conflict", "it changed"), SAYS + "it changed"),
        ("GET", OURS, refusal(410, "Expired", OLD_PAGE), SAYS + OLD_PAGE),
        ("PATCH", f"{OURS}/web", refusal(422, "Invalid", INVALID), SAYS + INVALID),
        (
            "GET",
            OURS,
            refusal(429, "TooManyRequests", "slowly"),
            "cannot do it now (slowly)",
        ),
        ("GET", OURS, refusal(503, "", "starting"), "cannot do it now (starting)"),
        ("GET", OURS, Answer(None), "cannot be reached ("),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else "",
)
def test_the_cause_is_that_of_the_status(
    server: ScriptedServer, method: str, path: str, answer: Answer, said: str
) -> None:
    server.script(answer)
    api = server.api()
    ask: Callable[[], object] = lambda: list(api.pages(path))  # noqa: E731  one of three
    if method == "PATCH":
        ask = lambda: api.merge(path, {})  # noqa: E731
    elif path == LOG:
        ask = lambda: api.text(path, [])  # noqa: E731
    with pytest.raises(Setback) as caught:
        ask()
    sentence = told(caught.value, server.url)
    assert said in sentence
    assert ("No permission" in sentence) is (answer.status == 403)
    assert (sentence == NO_SUCH_KIND) is (said == NO_SUCH_KIND)


def test_advice_about_roles_is_for_who_lacks_one(server: ScriptedServer, config: Path) -> None:
    server.script(refusal(403, "Forbidden", "certificates is forbidden"))
    done = certwright(config, "renew", "-l", "a=x", "-n", "shop")
    assert (done.exit_code, done.stderr) == (
        1,
        f"Error: No permission: certificates is forbidden; {WHO_MAY_READ}\n",
    )
    server.script(refusal(503, "", "starting"))
    done = certwright(config, "renew", "-l", "a=x", "-n", "shop")
    assert (
        done.stderr
        == f"Error: The API server {server.url} cannot do it now (starting); try again in a while\n"
    )
    server.script(refusal(400, "BadRequest", SELECTOR))
    done = certwright(config, "renew", "-l", "a in x", "-n", "shop")
    assert (done.exit_code, done.stderr) == (1, f"Error: {SAYS}{SELECTOR}\n")
