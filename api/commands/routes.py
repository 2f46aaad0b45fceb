"""Changing customers over REST: each call becomes one command, however often it is made."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.responses import JSONResponse

from api.access.callers import Admin, Agent, Caller, Viewer
from api.commands import asked
from api.commands.asked import Asking, command_id
from api.commands.bodies import CommandStatus, CustomerChange, Merge, Split
from api.commands.issuing import Applied, Commands, Fate, Pending, Refused
from api.commands.regions import Regions
from api.customers import CustomerId, no_such_customer
from api.openapi import record
from api.problems import ProblemError
from streams.contracts.commands import AnyCustomerCommand
from streams.contracts.customers import Customer
from streams.contracts.wire import encode
from streams.identity.phones import InvalidPhone

router = APIRouter(prefix="/api", tags=["commands"])

_LONGEST_MERGE_CHAIN: Final = 32
_PENDING: Final[dict[str, Any]] = {
    "description": "Kafka has the command, and no worker has answered yet",
    "model": CommandStatus,
    "headers": {
        "Location": {"schema": {"type": "string"}, "description": "where its fate is told"}
    },
}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    202: _PENDING,
    308: {"description": "The customer was merged: the header Location has the address of now"},
    404: {"description": "There is no such customer in this tenant"},
    409: {"description": "The command was refused; `detail` says why"},
}
_CUSTOMER: Final[dict[int | str, dict[str, Any]]] = {200: record(Customer), **RESPONSES}

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="any text of yours, new for each change: a call that is repeated with it is "
        "carried out once. The answer says which was used where you gave none",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1_000,
        description="the ETag of the record that the change was made in view of",
    ),
]


async def commands_of(request: Request) -> Commands:
    """Return what sends commands in this process."""
    commands: Commands = request.app.state.commands
    return commands


async def regions_of(request: Request) -> Regions:
    """Return where the tenants' people are at home."""
    regions: Regions = request.app.state.regions
    return regions


TheCommands = Annotated[Commands, Depends(commands_of)]
TheRegions = Annotated[Regions, Depends(regions_of)]


class Call:
    """One call that changes something: its command's id, and what there is to say about it."""

    def __init__(self, request: Request, commands: Commands, caller: Caller) -> None:
        self._request = request
        self._commands = commands
        self.caller = caller
        key = request.headers.get("idempotency-key") or uuid4().hex
        self.headers = {"Idempotency-Key": key}

    def asking(self, *what: Any) -> Asking:
        """Return who asks this, and the id of the command."""
        caller = self.caller
        own_id = command_id(caller.tenant_id, self.headers["Idempotency-Key"], *what)
        return Asking(own_id, caller.tenant_id, caller.issued_by, datetime.now(UTC))

    async def fate_until_now(self, asking: Asking) -> Applied | None:
        """Return whether the call was made before and carried out: then nothing is sent again, for
        that would undo what was changed since. Raises ProblemError where it was refused.
        """
        fate = await self._commands.fate(asking.tenant_id, asking.command_id)
        if isinstance(fate, Refused):
            raise self.refused(fate)
        return fate if isinstance(fate, Applied) else None

    async def carried_out(self, command: AnyCustomerCommand) -> Applied | Pending:
        """Return what became of the command. Raises ProblemError: 409 refused, 503 not taken."""
        try:
            fate = await self._commands.carry_out(command)
        except ProblemError as error:
            error.headers |= self.headers
            raise
        if isinstance(fate, Refused):
            raise self.refused(fate)
        return fate

    def refused(self, fate: Refused) -> ProblemError:
        """Return the refusal as its problem."""
        return ProblemError(HTTPStatus.CONFLICT, fate.why, headers=self.headers)

    async def living(self, customer_id: str) -> Customer:
        """Return the customer of the address. Raises ProblemError: 404, or 308 of a merged one."""
        customer = await self.found(customer_id)
        if customer.id != customer_id:
            path = self._request.url.path.replace(customer_id, customer.id)
            raise ProblemError(
                HTTPStatus.PERMANENT_REDIRECT,
                f"the customer was merged into {customer.id}: call that address",
                headers={"Location": path},
            )
        return customer

    async def found(self, customer_id: str) -> Customer:
        """Return the customer, of a merged one who lives on. Raises ProblemError (404)."""
        looked_for = customer_id
        for _ in range(_LONGEST_MERGE_CHAIN):
            customer = await self._commands.view.customer(self.caller.tenant_id, looked_for)
            if customer is None:
                break
            if customer.merged_into is None:
                return customer
            looked_for = customer.merged_into
        raise no_such_customer()

    async def answer(self, fate: Applied | Pending, customer_id: str) -> Response:
        """Return the customer as the command left them, or where its fate will be told."""
        if isinstance(fate, Pending):
            return self.pending(fate)
        customer = await self.found(customer_id)
        return Response(
            encode(customer),
            media_type="application/json",
            headers={**self.headers, "ETag": etag(customer)},
        )

    def pending(self, fate: Pending) -> Response:
        """Return where the command's fate will be told."""
        return JSONResponse(
            status_of(fate).model_dump(mode="json", by_alias=True),
            status_code=HTTPStatus.ACCEPTED,
            headers={
                **self.headers,
                "Location": f"/api/commands/{fate.command_id}",
                "Retry-After": "1",
            },
        )


async def call_by_agent(request: Request, commands: TheCommands, caller: Agent) -> Call:
    """Return a call that an agent may make."""
    return Call(request, commands, caller)


async def call_by_admin(request: Request, commands: TheCommands, caller: Admin) -> Call:
    """Return a call that an admin may make."""
    return Call(request, commands, caller)


AgentCall = Annotated[Call, Depends(call_by_agent)]
AdminCall = Annotated[Call, Depends(call_by_admin)]


@router.patch(
    "/customers/{customer_id}",
    summary="Change a customer",
    responses=_CUSTOMER
    | {
        412: {"description": "The customer has changed since: look again"},
    },
)
async def change(
    customer_id: CustomerId,
    body: CustomerChange,
    call: AgentCall,
    regions: TheRegions,
    _key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response:
    """Set what is given and return the customer once that shows.

    A phone or e-mail that is added ties the customer to whoever writes from it. Two changes of one
    field at once: the later one stays. If-Match holds a change back that was made in view of an
    older record.
    """
    asking = call.asking("change", customer_id, body.model_dump(mode="json"))
    if (fate := await call.fate_until_now(asking)) is not None:
        return await call.answer(fate, customer_id)
    customer = await call.living(customer_id)
    if if_match is not None and not is_match(if_match, customer):
        raise ProblemError(
            HTTPStatus.PRECONDITION_FAILED,
            "the customer has changed since: get the record again, and decide again",
            headers={"ETag": etag(customer)},
        )
    phone = _phone(body.add_phone, await regions.of(call.caller.tenant_id))
    command = asked.update(asking, customer, body, phone)
    return await call.answer(await call.carried_out(command), customer_id)


@router.post(
    "/customers/{customer_id}/merge", summary="Make two customers one", responses=_CUSTOMER
)
async def merge(
    customer_id: CustomerId, body: Merge, call: AgentCall, _key: IdempotencyKey = None
) -> Response:
    """Make the two one and return who lives on: the older. The other's id leads there for ever."""
    asking = call.asking("merge", customer_id, body.model_dump(mode="json"))
    if (fate := await call.fate_until_now(asking)) is not None:
        return await call.answer(fate, customer_id)
    customer = await call.living(customer_id)
    other = await call.found(body.other_customer_id)
    if other.id == customer.id:
        return await call.answer(Applied(asking.command_id, customer.id), customer.id)
    fate_now = await call.carried_out(asked.merge(asking, customer, other))
    return await call.answer(fate_now, customer_id)


@router.post(
    "/customers/{customer_id}/split",
    summary="Take identities out of a customer",
    responses={
        200: {
            "description": "The customer as it is now, and the ids of who was taken out",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["customer", "takenOut"],
                        "properties": {
                            "customer": {"$ref": "#/components/schemas/Customer"},
                            "takenOut": {"type": "array", "items": {"type": "string"}},
                        },
                    }
                }
            },
        },
        **RESPONSES,
    },
)
async def split(
    customer_id: CustomerId,
    body: Split,
    call: AgentCall,
    commands: TheCommands,
    _key: IdempotencyKey = None,
) -> Response:
    """Make what is named another customer's; no evidence ever joins the two sides again.

    The side that was there first keeps the id. With `since`, a number's next owner is taken out.
    """
    asking = call.asking("split", customer_id, body.model_dump(mode="json"))
    fate: Applied | Pending | None = await call.fate_until_now(asking)
    names = [(identity.channel_id, identity.external_id) for identity in body.identities]
    if fate is None:
        customer = await call.living(customer_id)
        command = asked.split(asking, customer, body)
        if isinstance(command, str):
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, command)
        names = [(identity.channel_id, identity.external_id) for identity in customer.identities]
        fate = await call.carried_out(command)
    if isinstance(fate, Pending):
        return call.pending(fate)
    now = await call.found(customer_id)
    holders = await commands.view.customers_with(call.caller.tenant_id, names)
    taken_out = sorted(set(holders) - {now.id})
    return Response(
        b'{"customer":%b,"takenOut":%b}' % (encode(now), msgspec.json.encode(taken_out)),
        media_type="application/json",
        headers={**call.headers, "ETag": etag(now)},
    )


@router.post(
    "/customers/{customer_id}/erase",
    summary="Forget a person",
    response_model=CommandStatus,
    responses=RESPONSES,
)
async def erase(customer_id: CustomerId, call: AdminCall, _key: IdempotencyKey = None) -> Response:
    """Forget the customer everywhere, so that no replay brings them back. It cannot be undone."""
    asking = call.asking("erase", customer_id)
    fate: Applied | Pending | None = await call.fate_until_now(asking)
    if fate is None:
        customer = await call.living(customer_id)
        fate = await call.carried_out(asked.erase(asking, customer.id))
    if isinstance(fate, Pending):
        return call.pending(fate)
    return JSONResponse(
        status_of(fate).model_dump(mode="json", by_alias=True), headers=call.headers
    )


@router.get("/commands/{command_id}", summary="What became of a command")
async def fate_of(
    command_id: Annotated[str, Path(max_length=64)],
    commands: TheCommands,
    caller: Viewer,
) -> CommandStatus:
    """Return whether it was applied or refused; pending until a worker has answered, and where
    nobody ever sent such a command.
    """
    return status_of(await commands.fate(caller.tenant_id, command_id))


def status_of(fate: Fate) -> CommandStatus:
    """Return what became of a command as it is told."""
    match fate:
        case Applied():
            return CommandStatus(
                command_id=fate.command_id, status="applied", customer_id=fate.customer_id
            )
        case Refused():
            return CommandStatus(
                command_id=fate.command_id,
                status="refused",
                detail=fate.why,
                customer_id=fate.customer_id,
            )
    return CommandStatus(command_id=fate.command_id, status="pending")


def etag(customer: Customer) -> str:
    """Return what names this version of the customer's record."""
    return f'"{customer.version}"'


def is_match(if_match: str, customer: Customer) -> bool:
    """Say whether the record is one of those named; proxies that compress make tags weak."""
    tags = {tag.strip().removeprefix("W/") for tag in if_match.split(",")}
    return "*" in tags or etag(customer) in tags


def _phone(text: str | None, region: str | None) -> str | None:
    if text is None:
        return None
    number = asked.phone_of(text, region)
    if isinstance(number, InvalidPhone):
        place: Mapping[str, str] = {"in": "body", "at": "/addPhone", "detail": number.detail}
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"body /addPhone: {number.detail}",
            errors=[place],
        )
    return number
