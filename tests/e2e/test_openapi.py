"""The API does what its own OpenAPI document says, for requests that the document allows and for those it does not.

The document is read from the running api; each operation gets a bounded number of generated requests, the same on every
run. Nothing may be a 5xx, an undocumented status, another content type, or an answer of another shape.
"""

from collections.abc import Callable
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.e2e.people import NewPerson, Person, unique
from tests.e2e.stack import Stack

type AnyCase = Case[Any]
type Operation = APIOperation[Any, Any, Any, Any]

METHODS = {"get", "post", "put", "patch", "delete", "head", "options"}
SEED = 20_260
EXAMPLES = 15
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

OPERATIONS = [
    ("GET", "/api/articles/"),
    ("POST", "/api/articles/"),
    ("GET", "/api/articles/{slug}/"),
    ("PATCH", "/api/articles/{slug}/"),
    ("DELETE", "/api/articles/{slug}/"),
    ("GET", "/api/async/"),
    ("GET", "/api/external/"),
    ("GET", "/api/external/gather/"),
    ("GET", "/api/gather/"),
    ("POST", "/api/login/"),
    ("POST", "/api/logout/"),
    ("GET", "/api/me/"),
    ("GET", "/api/mode/"),
    ("GET", "/api/orm/"),
    ("POST", "/api/register/"),
    ("GET", "/api/robust/"),
    ("GET", "/api/rooms/"),
    ("GET", "/api/rooms/{room}/members/"),
    ("PUT", "/api/rooms/{room}/members/{username}/"),
    ("DELETE", "/api/rooms/{room}/members/{username}/"),
    ("GET", "/api/rooms/{room}/messages/"),
    ("POST", "/api/rooms/{room}/messages/"),
    ("POST", "/api/rooms/{room}/notify/"),
    ("GET", "/api/session/"),
    ("POST", "/api/session/"),
    ("GET", "/api/users/"),
    ("POST", "/api/users/"),
    ("GET", "/api/users/{user_id}/"),
    ("PATCH", "/api/users/{user_id}/"),
    ("DELETE", "/api/users/{user_id}/"),
    ("GET", "/api/users/{user_id}/detail/"),
    ("POST", "/api/ws-ticket/"),
]
# Long texts take long to make up, passwords to hash, the ORM's tour to run; registrations are limited by address.
FEWER = {
    ("PATCH", "/api/articles/{slug}/"): 6,
    ("POST", "/api/login/"): 8,
    ("POST", "/api/register/"): 4,
    ("GET", "/api/orm/"): 3,
}
ENDING = {("POST", "/api/logout/"), ("DELETE", "/api/users/{user_id}/")}
# Anybody else gets no further than 403.
FOR_STAFF = {(method, "/api/rooms/{room}/members/{username}/") for method in ("PUT", "DELETE")}
# Bodies that lead somewhere, beside the generated ones.
BODIES = {("POST", "/api/ws-ticket/"): {"room": "python"}}
ASKS_UPSTREAM = {"/api/gather/", "/api/external/"}
# It answers 500 when it is asked to, which its document says.
ON_DEMAND = {("GET", "/api/robust/"): {not_a_server_error}}


def _parameter(method: str, path: str) -> Any:
    """One with the tests that set faults on the upstream, if it asks the upstream."""
    marks = [pytest.mark.xdist_group("upstream")] if path in ASKS_UPSTREAM else []
    return pytest.param(method, path, marks=marks)


@pytest.fixture(scope="module")
def document(stack: Stack) -> BaseSchema:
    """The api's own description, loaded without any configuration of the machine."""
    generation = GenerationConfig(with_security_parameters=False)
    config = SchemathesisConfig(seed=SEED, projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
    return schemathesis.openapi.from_url(f"{stack.api}/api/openapi.json", config=config)


@pytest.fixture(scope="module")
async def tester(new_person: NewPerson) -> Person:
    """Whose name the generated requests are made in."""
    return await new_person("schema")


@pytest.fixture
async def headers(
    method: str, path: str, stack: Stack, staff: Person, tester: Person, new_person: NewPerson
) -> dict[str, str]:
    """How the requests of an operation are signed in."""
    if path == "/api/session/":
        # A token has no session: only a browser gets any further than 403.
        return {"Cookie": tester.cookie, "X-CSRFToken": tester.csrf_token, "Origin": stack.origin}
    if (method, path) in FOR_STAFF:
        return {"Authorization": f"Bearer {staff.token}"}
    # What ends a credential or an account gets one to throw away.
    person = await new_person("schema_gone") if (method, path) in ENDING else tester
    return {"Authorization": f"Bearer {person.token}"}


@pytest.fixture(scope="module")
async def known(tester: Person) -> dict[str, Any]:
    """Path parameters that lead to something, so that not every generated request ends in a 404."""
    slug = unique("schema").replace("_", "-")
    written = await tester.client.post("/api/articles/", json={"title": "Schema", "body": "Text.", "slug": slug})
    assert written.status_code == 201
    return {"room": "python", "slug": slug, "user_id": tester.id, "username": tester.username}


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("method", "path"), [_parameter(*operation) for operation in OPERATIONS])
def test_an_operation_does_what_it_documents(
    stack: Stack,
    document: BaseSchema,
    headers: dict[str, str],
    known: dict[str, Any],
    method: str,
    path: str,
) -> None:
    """Valid and invalid requests get documented answers only."""
    operation = document[path][method]
    checks = [check for check in CHECKS if check not in ON_DEMAND.get((method, path), set())]

    with requests.Session() as session:
        _run(
            operation,
            known,
            FEWER.get((method, path), EXAMPLES),
            lambda case: case.call_and_validate(
                base_url=stack.api, session=session, headers=headers, checks=checks, timeout=20
            ),
        )


def _run(operation: Operation, known: dict[str, Any], examples: int, call: Callable[[AnyCase], Any]) -> None:
    method = operation.method.upper()
    leading = {name: value for name, value in known.items() if f"{{{name}}}" in operation.path}
    ways = [operation.as_strategy(GenerationMode.POSITIVE, path_parameters=leading)]
    if (method, operation.path) in BODIES:
        ways.append(operation.as_strategy(body=BODIES[method, operation.path], media_type="application/json"))
    if leading:
        ways.append(operation.as_strategy(GenerationMode.POSITIVE))
    if any(True for _ in operation.iter_parameters()) or operation.body:
        ways.append(operation.as_strategy(GenerationMode.NEGATIVE))

    @seed(SEED)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategies.one_of(ways).map(_in_a_moment))
    def run(case: AnyCase) -> None:
        call(case)

    run()


def _in_a_moment(case: AnyCase) -> AnyCase:
    # A valid delay may be ten seconds; how long it really waits is not what is tested here.
    delay = case.query.get("delay") if case.query else None
    if isinstance(delay, int | float) and delay > 0.05:
        case.query["delay"] = 0.05 if delay <= 10 else delay
    return case


def test_no_operation_is_left_out(document: BaseSchema) -> None:
    """Every documented operation is among those that are tested here."""
    documented = {(method.upper(), path) for path in document for method in document[path] if method in METHODS}
    assert documented == set(OPERATIONS)
