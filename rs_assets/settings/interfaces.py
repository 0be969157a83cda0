"""The station interfaces that are installed, each found by its name and loaded when it is first needed.

Those of the package are listed here; another package adds its own through the entry point group
``rs_assets.interfaces``. What an interface has to say of itself is `rs_assets.stations.interface.StationInterface`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, Protocol, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, PydanticCustomError, core_schema

from rs_assets.errors import SettingsError
from rs_assets.settings.station import Station

GROUP = "rs_assets.interfaces"
"""Entry point group of the interfaces that other packages bring."""

BUILT_IN = (
    EntryPoint("auxip", "rs_assets.stations.auxip:INTERFACE", GROUP),
    EntryPoint("prip", "rs_assets.stations.prip:INTERFACE", GROUP),
    EntryPoint("cadip", "rs_assets.stations.cadip:INTERFACE", GROUP),
)
"""The interfaces of this package."""


class Installed(Protocol):
    """What the settings must know of an interface."""

    @property
    def settings(self) -> type[Station]:
        """The settings of its stations."""
        ...

    @property
    def answers_product_types(self) -> bool:
        """Whether a request for product types can be answered by its stations."""
        ...


def interface_names() -> tuple[str, ...]:
    """The names of all interfaces that are installed, those of the package first; none of them is loaded.

    Raises:
        SettingsError: two packages bring an interface of one name.
    """
    return tuple(_installed())


@cache
def load_interface(name: str) -> Installed:
    """The interface of that name.

    Raises:
        SettingsError: no such interface is installed, it cannot be imported, or two packages bring one of a name.
    """
    entry = _installed().get(name)
    if entry is None:
        raise SettingsError(
            f"{name!r} is not an installed interface; installed are {', '.join(map(repr, interface_names()))}"
        )
    try:
        return cast(Installed, entry.load())
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"the interface {name!r} cannot be loaded from {entry.value}: {error}") from error


def by_name(entries: Iterable[EntryPoint]) -> dict[str, EntryPoint]:
    """The entry points by the name of their interface, in their order.

    Raises:
        SettingsError: two of them have one name, so that it is not clear which is meant.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entries:
        known = found.setdefault(entry.name, entry)
        if known.value != entry.value:
            raise SettingsError(
                f"two interfaces are called {entry.name!r}: {known.value} and {entry.value}; "
                "uninstall the package of one, or let it use another name"
            )
    return found


@cache
def _installed() -> Mapping[str, EntryPoint]:
    return by_name([*BUILT_IN, *sorted(entry_points(group=GROUP), key=lambda entry: entry.name)])


class _OfItsInterface:
    """Reads a station by the settings of the interface that it names."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_station)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        choices = [handler(load_interface(name).settings.__pydantic_core_schema__) for name in interface_names()]
        return {"oneOf": choices}


AnyStation = Annotated[Station, _OfItsInterface()]
"""A station of any installed interface."""


def _read_station(given: object) -> Station:
    if isinstance(given, Station):
        return given
    if not isinstance(given, dict):
        raise _refused(InitErrorDetails(type="model_type", input=given, ctx={"class_name": Station.__name__}))
    if "interface" not in given:
        missing = InitErrorDetails(type="missing", loc=("interface",), input=given)
        raise _refused(missing, *_common_problems(given))
    name = str(given["interface"])
    try:
        model = load_interface(name).settings
    except SettingsError as error:
        kind = PydanticCustomError("interface", "{message}", {"message": str(error)})
        unknown = InitErrorDetails(type=kind, loc=("interface",), input=name)
        raise _refused(unknown, *_common_problems(given)) from error
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _refused(*(_with_owners(detail, name) for detail in error.errors(include_url=False))) from None


def _common_problems(given: Mapping[str, object]) -> Iterator[InitErrorDetails]:
    """What is wrong with the keys that the stations of every interface have."""
    common = {"interface": "", "collection": "{mission}"} | {
        name: value for name, value in given.items() if name in Station.model_fields and name != "interface"
    }
    try:
        Station.model_validate(common)
    except ValidationError as error:
        yield from (_problem(detail) for detail in error.errors(include_url=False))


def _refused(*problems: InitErrorDetails) -> ValidationError:
    return ValidationError.from_exception_data(Station.__name__, list(problems), hide_input=True)


def _with_owners(detail: ErrorDetails, interface: str) -> InitErrorDetails:
    """A problem of a station, where a key that only other interfaces have is said to be theirs."""
    place = detail["loc"]
    if detail["type"] != "extra_forbidden" or len(place) > 1:
        return _problem(detail)
    owners = [name for name in interface_names() if place[0] in _keys(name)]
    if not owners:
        return _problem(detail)
    message = f"{place[0]!r} is not a key of {interface} stations; only {' and '.join(owners)} stations have it"
    return _problem(detail | {"type": "foreign_key", "msg": message})


def _problem(detail: ErrorDetails) -> InitErrorDetails:
    """A problem to be raised once more, with its kind, its message and what it names."""
    context: dict[str, Any] = {**detail.get("ctx", {}), "message": detail["msg"]}
    kind = PydanticCustomError(detail["type"], "{message}", context)
    return InitErrorDetails(type=kind, loc=detail["loc"], input=detail["input"])


def _keys(interface: str) -> Collection[str]:
    """The keys of an interface's stations; none where it cannot be loaded, which concerns its own stations only."""
    try:
        return load_interface(interface).settings.model_fields
    except SettingsError:
        return ()
