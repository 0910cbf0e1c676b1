"""Settings, from a TOML file and the environment. The only module that reads the environment.

Precedence: an `EDGEROUTE_…` variable, then the file, then the default. Nested keys are joined by
two underscores: `EDGEROUTE_KAFKA__BOOTSTRAP_SERVERS`. What can be seen to be wrong is refused here,
at the start, and not when a role first needs it.
"""

import json
import os
import re
import ssl
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnreadableValue

PREFIX: Final = "EDGEROUTE_"
CONFIG_VARIABLE: Final = "EDGEROUTE_CONFIG"
DEFAULT_FILE: Final = Path("edgeroute.toml")

_SERVER: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:,/@\[\]]+)(:\d{1,5})?")


class SettingsError(Exception):
    """A setting is wrong; one sentence that names it."""


def _servers(value: str) -> str:
    if not all(_SERVER.fullmatch(server.strip()) for server in value.split(",")):
        raise ValueError("write it as HOST:PORT, several with commas between them")
    return value


def _certificates(file: Path) -> Path:
    try:
        ssl.create_default_context(cafile=file)
    except OSError:
        raise ValueError("there must be a file of PEM certificates at this path") from None
    return file


def _redis_url(value: SecretStr) -> SecretStr:
    """A URL that does not parse as meant could show its password in the wrong part."""
    try:
        parts = urlsplit(value.get_secret_value())
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        port_ok = False
    if not port_ok or not _is_redis(parts.scheme, parts.hostname, parts.path, parts.query):
        raise ValueError(
            "write it as redis://USER:PASSWORD@HOST:PORT/0 (rediss:// for TLS), with special "
            "characters in the password percent-encoded"
        )
    return value


def _is_redis(scheme: str, host: str | None, path: str, query: str) -> bool:
    if scheme == "unix":
        return bool(path) and "@" not in path + query
    tail = re.fullmatch(r"(/\d*)?", path) is not None and "@" not in query
    return scheme in ("redis", "rediss") and bool(host) and tail


Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]
Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Delivery = Literal["auto", "exactly-once", "at-least-once"]
Servers = Annotated[str, AfterValidator(_servers)]
Certificates = Annotated[Path, AfterValidator(_certificates)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
RedisPrefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kafka(_Section):
    """Where the broker is and how we take part."""

    bootstrap_servers: Servers = "localhost:9092"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Certificates | None = None
    group_prefix: Topic = "edgeroute"
    delivery: Delivery = "auto"
    session_timeout_s: Seconds = 10.0
    transaction_timeout_s: Seconds = 15.0

    @model_validator(mode="after")
    def _sasl_has_a_user(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (self.username and self.password):
            raise ValueError(f"with {self.security_protocol} set username and password too")
        return self


class Topics(_Section):
    """Names of the topics, and how `edgeroute topics create` makes them."""

    transcripts: Topic = "transcripts"
    results: Topic = "results"
    escalations: Topic = "escalations"
    decisions: Topic = "decisions"
    dead_letters: Topic = "dead-letters"
    positions: Topic = "positions"
    partitions: Count = 6
    replication: Count = 1

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = (self.transcripts, self.results, self.escalations, self.decisions)
        if len({*names, self.dead_letters, self.positions}) < 6:
            raise ValueError("every topic needs a name of its own, or we would read what we write")
        return self


class Redis(_Section):
    """Where the monitor keeps its totals."""

    url: RedisUrl = SecretStr("redis://localhost:6379/0")
    prefix: RedisPrefix = "edgeroute"


class PolicySettings(_Section):
    """When a message is escalated; what is not set is the bundle's, else the reference's."""

    name: Literal["bundle", "reference"] = "bundle"
    confidence: Share | None = None
    thresholds: dict[str, Share] = {}
    complexity: Share | None = None
    audit_rate: Share | None = None
    salt: str = "edgeroute"


class PriceSettings(_Section):
    """Dollars an inference."""

    edge: Price = 0.001
    cloud: Price = 0.0136


class Cloud(_Section):
    """When the edge counts the cloud as away, and when an escalation is too old for a model."""

    watch: bool = True
    absent_s: Seconds = 10.0
    oldest_s: Seconds = 60.0
    settle_s: Seconds = 10.0
    probe_share: Share = 0.01
    answer_within_s: Seconds = 3_600.0


class Budget(_Section):
    """Ceilings on the cloud; without one there is none."""

    share: Share | None = None
    dollars_a_day: Price | None = None


class Edge(_Section):
    """What the edge scores and writes."""

    roles: tuple[str, ...] = Field(default=("customer",), min_length=1)
    provisional_results: bool = True
    text_in_results: bool = False


class LimitSettings(_Section):
    """Bounds. Everything that waits is bounded by one of these."""

    text_characters: Count = 10_000
    dead_letter_bytes: Count = 900_000
    dead_letter_share: Share = 0.5
    dead_letter_window: Count = 1000
    redrive_attempts: Count = 3
    in_flight: Count = 1024
    batch_items: Count = 16
    batch_tokens: Count = 1024
    batch_wait_ms: Milliseconds = 5.0
    commit_wait_ms: Milliseconds = 250.0
    transaction_records: Count = 512
    engines: Count | None = None
    stop_s: Seconds = 20.0
    revoke_s: Seconds = 3.0


class Log(_Section):
    """What is logged. Message text never is."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    bundle: Path = Path("models/starter")
    kafka: Kafka = Kafka()
    topics: Topics = Topics()
    redis: Redis = Redis()
    policy: PolicySettings = PolicySettings()
    prices: PriceSettings = PriceSettings()
    edge: Edge = Edge()
    cloud: Cloud = Cloud()
    budget: Budget = Budget()
    limits: LimitSettings = LimitSettings()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file; no other source."""
        file = cls.model_config.get("toml_file")
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        return (*sources, TomlConfigSettingsSource(settings_cls, file)) if file else sources


def load(file: Path | None = None) -> Settings:
    """Return the settings, or raise `SettingsError`.

    ``file`` is the TOML file; without it the one `EDGEROUTE_CONFIG` names, else `edgeroute.toml`
    here if there is one.
    """
    chosen = _chosen(file)
    _refuse_unknown_variables()

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=chosen)

    try:
        return FromFile()
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(_not_toml(chosen, str(error))) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"The settings file {chosen} cannot be read: {why}.") from None
    except UnreadableValue as error:
        raise SettingsError(_unreadable(str(error))) from None
    except ValidationError as error:
        raise SettingsError(_sentence(error, chosen)) from None


def masked(settings: Settings) -> dict[str, Any]:
    """Return the effective settings as plain JSON values, secrets masked."""
    values: dict[str, Any] = settings.model_dump(mode="json")
    return values


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def child_environment(changes: dict[str, str]) -> dict[str, str]:
    """Return this process's environment without our own variables, with ``changes`` applied."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return kept | changes


def as_variables(settings: Settings) -> dict[str, str]:
    """Return the variables that give another process of ours these settings, secrets included."""
    values = settings.model_dump(mode="python", exclude_none=True)
    found: dict[str, str] = {}
    for section, content in values.items():
        if not isinstance(content, dict):
            found[f"{PREFIX}{section}".upper()] = str(content)
            continue
        for name, value in content.items():
            found[f"{PREFIX}{section}__{name}".upper()] = _as_text(value)
    return found


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, tuple | list | dict | bool) else str(value)


def _chosen(file: Path | None) -> Path | None:
    named = file or (Path(os.environ[CONFIG_VARIABLE]) if CONFIG_VARIABLE in os.environ else None)
    if named is not None and not named.is_file():
        raise SettingsError(f"There is no settings file {named}: check --config or the path in it.")
    return named or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)


def _refuse_unknown_variables() -> None:
    """A misspelt variable must not be ignored: somebody thinks that it holds."""
    known = {name.upper() for name in Settings.model_fields}
    for variable in sorted(os.environ):
        section = variable.removeprefix(PREFIX).split("__")[0].upper()
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE and section not in known:
            raise SettingsError(
                f"The variable {variable} sets nothing: `edgeroute config` lists what can be set."
            )


def _not_toml(file: Path | None, error: str) -> str:
    """Say where; what stands there may be a secret, and the parser may quote it."""
    place = re.search(r"\(at line \d+, column \d+\)", error)
    return f"{file} is not TOML {place.group() if place else '(at its end)'}: correct it there."


def _unreadable(error: str) -> str:
    """A variable for a list or a whole section must be JSON; which one is all that may be told."""
    field = re.search(r'field "(\w+)"', error)
    name = PREFIX + (field.group(1).upper() if field else "")
    return (
        f"A variable {name}… cannot be read: a list or a table is written as JSON, for example "
        f"{PREFIX}EDGE__ROLES='[\"customer\"]'."
    )


def _sentence(error: ValidationError, file: Path | None) -> str:
    """Name the first wrong setting; its value may be a secret and stays out."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    where = f" (from {file} or a variable {PREFIX}…)" if file else f" (from a variable {PREFIX}…)"
    if first["type"] == "extra_forbidden":
        return f"There is no setting {name}{where}: `edgeroute config` lists what can be set."
    rule = first["msg"].removeprefix("Value error, ")
    return f"The setting {name} is wrong{where}: {rule[:1].lower()}{rule[1:]}."
